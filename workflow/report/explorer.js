// The interactive figure. All numbers come with the page; this script only chooses which of them to show.
(async () => {
  const block = document.getElementById("explorer");
  const content = JSON.parse(document.getElementById("explorer-data").textContent);
  const {item, axes, ratios, stops, theories} = content;
  const form = block.querySelector("form"), values = document.getElementById("explorer-values");
  block.hidden = false;
  Bokeh.logger.set_level("error");
  await Bokeh.embed.embed_item(item);
  const figure = Bokeh.documents[0], model = name => figure.get_model_by_name(name);
  const numbers = column => column.map(value => value ?? NaN);

  function fill() {
    const chosen = axes[form.axes.value];
    for (const side of ["cold", "hot"]) {
      model(`measured_${side}`).data = chosen.measured[side];
      model(`axis_${side}`).axis_label = chosen.quantity === "heat"
        ? "heat into the bath (eV/ns per axis)" : "work on the particle (eV/ns per axis)";
      for (const theory of Object.keys(theories)) {
        const {told, [side]: {value, low, high}} = chosen.theories[theory];
        model(`${theory}_${side}`).data = {
          ratio: ratios, value: numbers(value), low: numbers(low), high: numbers(high), told: told[side],
        };
      }
    }
    move();
  }

  function choose() {
    for (const box of block.querySelectorAll("input[name=theory]")) {
      for (const side of ["cold", "hot"]) {
        for (const kind of ["band", "line"]) model(`${kind}_${box.value}_${side}`).visible = box.checked;
      }
      values.querySelector(`[data-theory=${box.value}]`).hidden = !box.checked;
    }
  }

  function move() {
    const stop = Number(form.stop.value), chosen = axes[form.axes.value];
    form.ratio.value = stops[stop];
    for (const side of ["cold", "hot"]) model(`cursor_${side}`).location = ratios[stop];
    if (!values) return;
    values.querySelector(".ratio").textContent = stops[stop];
    for (const row of values.querySelectorAll("[data-theory]")) {
      const told = chosen.theories[row.dataset.theory].told;
      for (const name of ["cold", "hot", "power"]) row.querySelector(`.${name}`).textContent = told[name][stop];
    }
  }

  form.axes.addEventListener("change", fill);
  form.stop.addEventListener("input", move);
  for (const box of block.querySelectorAll("input[name=theory]")) box.addEventListener("change", choose);
  move();
  choose();
})();
