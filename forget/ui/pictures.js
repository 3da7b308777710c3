// Pictures as radio buttons. A click is shown at once and stays until the server has answered it;
// the elements are built again only if the pictures change.

const groups = new WeakMap(); // the root a group is drawn in -> the group
let count = 0;

export default function (component) {
  const root = component.parentElement;
  if (!groups.has(root)) groups.set(root, new Group(root));
  groups.get(root).update(component);
}

class Group {
  constructor(root) {
    this.place = root.querySelector(".tiles");
    this.name = `picture-${(count += 1)}`;
    this.digest = "";
    this.clicked = null; // what the server has not answered
    this.place.addEventListener("change", (event) => {
      this.clicked = Number(event.target.value);
      this.send(this.clicked);
    });
  }

  update({ data, setStateValue }) {
    this.send = (value) => setStateValue("picked", value);
    if (data.digest !== this.digest) this.draw(data);
    if (this.clicked === data.chosen) this.clicked = null;
    const chosen = this.clicked ?? data.chosen;
    for (const button of this.place.querySelectorAll("input")) {
      button.checked = Number(button.value) === chosen;
    }
  }

  draw({ digest, legend, pictures }) {
    this.digest = digest;
    this.clicked = null;
    const grid = make("div", { class: "grid" }, pictures.map((one) => this.picture(one)));
    this.place.replaceChildren(make("fieldset", {}, [make("legend", {}, [legend]), grid]));
  }

  picture({ value, name, alt, url, sharp }) {
    const button = make("input", { type: "radio", name: this.name, value, "aria-label": alt });
    const picture = make("img", {
      ...{ alt: "", draggable: "false", class: sharp ? "sharp" : "" },
      ...(url.startsWith("data:image/") ? { src: url } : {}),
    });
    return make("label", { class: "tile" }, [
      make("span", { class: "frame" }, [picture, button]),
      make("span", { class: "name", "aria-hidden": "true" }, [name]),
    ]);
  }
}
