import type { Giver, ObjectKind, ObjectReference } from '../../../wire/dashboard/common.ts'
import type { Key } from '../../plan/identity.ts'
import type { OrderGiver } from '../../plan/orders.ts'

/** The parts of a key. No part holds a slash. */
export function partsOf(key: Key): { kind: ObjectKind; namespace: string; name: string } {
  const [kind, namespace = '', name = ''] = key.split('/')
  return { kind: kind as ObjectKind, namespace, name } // Keys are made by keyOf.
}

export function referTo(key: Key, cluster: string | undefined): ObjectReference {
  return { key, ...partsOf(key), ...(cluster === undefined ? {} : { cluster }) }
}

export function timeOf(ms: number): string {
  return new Date(ms).toISOString()
}

/** A field that is absent where there is nothing. */
export function given<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [Each in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { [Each in Name]: Value })
}

export function giverOf({ via, user }: OrderGiver): Giver {
  return { via, ...given('user', user) }
}

/** A page of a list. */
export function pageOf<Item>(
  items: readonly Item[],
  { page = 1, size = 50 }: { readonly page?: number; readonly size?: number },
): { items: readonly Item[]; page: number; size: number } {
  return { items: items.slice((page - 1) * size, page * size), page, size }
}

/** Whether each word of the search is in the text, which is in lower case. */
export function createSearch(search: string | undefined): (text: string) => boolean {
  const words = (search ?? '').toLowerCase().split(/\s+/).filter(Boolean)
  return (text) => words.every((word) => text.includes(word))
}
