// Helper functions for the document's elements.

export const $ = (id) => document.getElementById(id);

/** Make an element with properties and children; names with a dash, and `role`, are set as attributes. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [property, value] of Object.entries(properties)) {
    if (property.includes("-") || property === "role") element.setAttribute(property, value);
    else element[property] = value;
  }
  element.append(...children);
  return element;
}
