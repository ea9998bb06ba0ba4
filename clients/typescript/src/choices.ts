/** Looks up the API's enumeration values by the names that requests use. */

/**
 * Returns the enumeration value of `name`, such as "female"; UNSPECIFIED if it is undefined. Throws `TypeError` for an
 * unknown name.
 */
export function chosen<T extends { readonly UNSPECIFIED: unknown }>(values: T, name: string | undefined): T[keyof T] {
  const value = name === undefined ? values.UNSPECIFIED : values[name.toUpperCase() as keyof T];
  if (value === undefined || name === "unrecognized") {
    throw new TypeError(`${JSON.stringify(name)} is not a value of this enum: use one that the package exports`);
  }
  return value as T[keyof T];
}
