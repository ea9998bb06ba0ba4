/** Enumeration values of the API by their names in requests. */

/** Returns the enumeration value of `name`, UNSPECIFIED if it is undefined; throws `TypeError` for an unknown name. */
export function chosen<T extends { readonly UNSPECIFIED: unknown }>(values: T, name: string | undefined): T[keyof T] {
  const value = name === undefined ? values.UNSPECIFIED : values[name.toUpperCase() as keyof T];
  if (value === undefined || name === "unrecognized") {
    throw new TypeError(`${JSON.stringify(name)} is not a value of this enum: use one that the package exports`);
  }
  return value as T[keyof T];
}
