/**
 * Whether two volumes of one plugin and one external ID may be the same external volume. Registered volumes whose contexts
 * differ are different ones: those of an NFS server share their IDs, and the context has the share. A volume without a
 * context may be any of them.
 */
export function contextsMayAgree(
  one: Readonly<Record<string, string>> | null | undefined,
  other: Readonly<Record<string, string>> | null | undefined,
): boolean {
  const [some, others] = [Object.entries(one ?? {}), Object.entries(other ?? {})]
  if (some.length === 0 || others.length === 0) return true
  const values = new Map(others)
  return some.length === others.length && some.every(([name, value]) => values.get(name) === value)
}
