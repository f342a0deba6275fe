import { hash } from 'node:crypto'
import { errorMessage, OperationError } from '../../lib/errors.ts'
import { parseJSON, stringifyJSON } from '../../lib/json.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { Key } from '../plan/identity.ts'
import type { Orders } from '../plan/orders.ts'
import type { Declared, ManagedPart } from '../plan/record.ts'
import type { Released } from '../plan/released.ts'
import type { Status } from '../plan/status.ts'
import { reviveDeclared, reviveManaged, takeApart, type WholeRecord } from './stored-parts.ts'

/** Everything stored for one identity. It is one text, so that a write changes all of it or nothing. */
export interface Entry {
  readonly key: Key
  /** `declared` and `managed` are both absent if there are orders but no pass has run yet. */
  readonly declared?: Declared
  readonly managed?: ManagedPart
  readonly orders: Orders
}

export type StoredThing =
  | { readonly type: 'entry'; readonly entry: Entry }
  | { readonly type: 'released'; readonly released: Released }
  | { readonly type: 'hash key'; readonly hashKey: Buffer }

export const hashKeyName = 'hash-key'

/** Hex digits of SHA-256: enough to rule out a collision. */
const digits = 40

/** `volume/…`, `snapshot/…` or `snapshot-schedule/…`. Hashed: keys may hold characters that stores do not allow. */
export function nameOfKey(key: Key): string {
  const kind = key.slice(0, key.indexOf('/')).replace(/(?!^)[A-Z]/g, '-$&')
  return `${kind.toLowerCase()}/${digest(key)}`
}

export function nameOfReleased({ key, externalID }: Released): string {
  return `released/${digest(JSON.stringify([key, externalID]))}`
}

function digest(text: string): string {
  return hash('sha256', text, 'hex').slice(0, digits)
}

/** Reads a text that this file wrote. @throws OperationError for any other text */
export function parseStored(name: string, text: string): StoredThing {
  let value: unknown
  try {
    value = parseJSON(text)
  } catch (error) {
    throw unreadable(name, errorMessage(error))
  }
  if (typeof value !== 'object' || value === null) throw unreadable(name, 'it is not an object')
  if ('hashKey' in value) return { type: 'hash key', hashKey: Buffer.from(String(value.hashKey), 'base64') }
  // Only this file writes these texts, in this release or an earlier one.
  if ('released' in value) return { type: 'released', released: value.released as Released }
  if (!('key' in value)) throw unreadable(name, 'it has no key')
  return { type: 'entry', entry: readEntry(value as Entry | OldEntry) }
}

/** An entry of version 0.1.0. */
interface OldEntry {
  readonly key: Key
  readonly record: WholeRecord
  readonly orders: Orders
}

function readEntry(entry: Entry | OldEntry): Entry {
  const { key, orders } = entry
  const parts = 'record' in entry ? takeApart(entry.record, orders) : entry
  return {
    key,
    orders: parts.orders,
    ...(parts.declared === undefined ? {} : { declared: reviveDeclared(parts.declared) }),
    ...(parts.managed === undefined ? {} : { managed: reviveManaged(parts.managed) }),
  }
}

function unreadable(name: string, why: string): OperationError {
  return new OperationError(
    `the inventory entry ${name} is damaged (${why}). ${advise(reasons.InventoryDamaged.person.restore())}`,
    { kind: 'permanent', reason: 'InventoryDamaged' },
  )
}

/** What may be cut from a status that is too long, least important first. No pass needs it. */
const reductions: readonly ((status: Status) => Status)[] = [
  (status) => ({ ...status, history: (status.history ?? []).slice(0, 5) }),
  ({ claims: _, ...status }) => status,
  ({ kept: _, ...status }) => status,
  ({ history: _, ...status }) => status,
]

/**
 * Makes the text of an entry. If it exceeds `maxBytes`, the older history is cut, then the claims, the retention rules
 * and the whole history.
 * @throws OperationError `permanent` with reason `RecordTooLarge` if it is still too long
 */
export function fitEntry(entry: Entry, maxBytes: number): string {
  const { key, declared, orders } = entry
  const textOf = (managed: ManagedPart | undefined) => stringifyJSON({ key, declared, managed, orders })
  const whole = textOf(entry.managed)
  if (Buffer.byteLength(whole) <= maxBytes || entry.managed === undefined) return whole
  let { managed } = entry
  let text = whole
  for (const reduce of reductions) {
    managed = { ...managed, status: reduce(managed.status) }
    text = textOf(managed)
    if (Buffer.byteLength(text) <= maxBytes) return text
  }
  throw new OperationError(
    `${entry.key} needs ${Buffer.byteLength(text)} bytes in the inventory, which stores at most ${maxBytes} per entry. ${remedyFor(managed)}`,
    { kind: 'permanent', reason: 'RecordTooLarge' },
  )
}

function remedyFor({ kind }: ManagedPart): string {
  const { split, shorten } = reasons.RecordTooLarge.person
  return advise(kind === 'SnapshotSchedule' ? split() : shorten())
}
