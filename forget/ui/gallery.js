// The faces as checkboxes. A click is shown at once and stays on top of what the server says
// until the server has answered it; the elements are built again only if the people change.

const portraits = new Map(); // digest -> data URLs; outlives every gallery of this browser tab
const galleries = new WeakMap(); // the root a gallery is drawn in -> the gallery

export default function (component) {
  const root = component.parentElement;
  if (!galleries.has(root)) galleries.set(root, new Gallery(root));
  galleries.get(root).update(component);
}

class Gallery {
  constructor(root) {
    this.groups = root.querySelector(".tiles");
    this.count = root.querySelector(".count");
    this.boxes = new Map(); // person -> checkbox
    this.clicks = new Map(); // person -> {on, revision}, those the server has not answered
    this.revision = 0;
    this.drawn = "";
    this.groups.addEventListener("change", (event) => this.click(event.target));
  }

  update({ data, setStateValue }) {
    this.data = data;
    this.send = (value) => setStateValue("picked", value);
    this.revision = Math.max(this.revision, data.revision);
    for (const [person, click] of this.clicks) {
      if (click.revision <= data.revision) this.clicks.delete(person);
    }
    if (data.portraits) portraits.set(data.digest, data.portraits);
    if (portraits.has(data.digest)) this.draw();
    else this.report(""); // the server believes they are here: ask for them
    this.show();
  }

  click(box) {
    this.clicks.set(box.value, { on: box.checked, revision: this.revision + 1 });
    this.report(this.data.digest);
    this.show();
  }

  report(digest) {
    const changes = Array.from(this.clicks, ([person, click]) => [person, click.on]);
    this.revision += 1;
    this.send({ changes, digest, revision: this.revision });
  }

  show() {
    const chosen = new Set(this.data.chosen);
    for (const [person, { on }] of this.clicks) on ? chosen.add(person) : chosen.delete(person);
    const forgotten = new Set(this.data.forgotten);
    for (const person of forgotten) chosen.delete(person);
    for (const [person, box] of this.boxes) {
      box.checked = chosen.has(person);
      box.disabled = forgotten.has(person);
      box.nextSibling.hidden = !box.disabled;
      box.nextSibling.textContent = this.data.word;
      const words = box.disabled ? `${box.id}-name ${box.id}-note` : `${box.id}-name`;
      box.setAttribute("aria-labelledby", words);
    }
    const text = `${chosen.size || "No"} ${chosen.size === 1 ? "person" : "people"} chosen`;
    if (this.count.textContent !== text) this.count.textContent = text;
  }

  draw() {
    const drawn = JSON.stringify([this.data.digest, this.data.groups]);
    if (drawn === this.drawn) return;
    this.drawn = drawn;
    this.boxes.clear();
    this.groups.replaceChildren(...this.data.groups.map((group) => this.group(group)));
  }

  group({ legend, faces }) {
    const grid = make("div", { class: "grid" }, faces.map((face) => this.face(face)));
    return make("fieldset", {}, [make("legend", {}, [legend]), grid]);
  }

  face([index, person, name]) {
    const url = portraits.get(this.data.digest)[index];
    const id = `face-${index}`;
    const box = make("input", { type: "checkbox", value: person, id });
    const picture = make("img", {
      ...{ alt: `Portrait of ${name}`, width: 92, height: 112 },
      ...{ loading: "lazy", decoding: "async", draggable: "false" },
      ...(url.startsWith("data:image/") ? { src: url } : {}),
    });
    const note = make("span", { class: "note", id: `${id}-note` });
    this.boxes.set(person, box);
    return make("label", { class: "tile" }, [
      make("span", { class: "frame" }, [picture, box, note]),
      make("span", { class: "name", id: `${id}-name`, title: name }, [name]),
    ]);
  }
}
