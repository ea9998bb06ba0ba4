// Short names for what the modules do with the document.

export const $ = (id) => document.getElementById(id);

/** An element with properties and children; names with a dash or `role` are attributes. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property.includes("-") || property === "role") element.setAttribute(property, value);
    else element[property] = value;
  }
  element.append(...children);
  return element;
}
