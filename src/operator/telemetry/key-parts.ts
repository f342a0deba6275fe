import type { Key } from '../plan/identity.ts'

/** The kind in a key. */
export function kindOf(key: Key): string {
  return key.split('/', 1)[0] ?? ''
}

/** The namespace of a key, and its name under the given label. */
export function nameOf<Label extends string>(
  key: Key,
  label: Label,
): { namespace: string } & Record<Label, string> {
  const [, namespace = '', name = ''] = key.split('/')
  return { namespace, [label]: name } as { namespace: string } & Record<Label, string> // The computed name is Label.
}
