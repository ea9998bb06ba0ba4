/** Values of the contract's enumerations, by the words that requests have for them. */

/** The value that `name` stands for, UNSPECIFIED where it is undefined; throws `TypeError` for a name without value. */
export function chosen<T extends { readonly UNSPECIFIED: unknown }>(values: T, name: string | undefined): T[keyof T] {
  const value = name === undefined ? values.UNSPECIFIED : values[name.toUpperCase() as keyof T];
  if (value === undefined || name === "unrecognized") {
    throw new TypeError(`there is no choice ${JSON.stringify(name)}`);
  }
  return value as T[keyof T];
}
