// Shared by the galleries of people and of classes, which stand below in the same module.

// Names come from people's own folders and files: text nodes and attributes only, never markup.
function make(tag, attributes, children = []) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
