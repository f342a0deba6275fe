import { createHash } from 'node:crypto'
import { errorMessage, OperationError } from '../../lib/errors.ts'
import { parseJSON, stringifyJSON } from '../../lib/json.ts'
import type { Key } from '../plan/identity.ts'
import type { Orders } from '../plan/orders.ts'
import type { Declared, ManagedPart, Released } from '../plan/record.ts'
import type { Status } from '../plan/status.ts'
import { reviveDeclared, reviveManaged, takeApart, type WholeRecord } from './stored-parts.ts'

/** All that is stored of one identity, in one text, so that nothing of it can be lost without the rest. */
export interface Entry {
  readonly key: Key
  /** Absent, with `managed`, where something was ordered for an identity that no pass has looked at. */
  readonly declared?: Declared
  readonly managed?: ManagedPart
  readonly orders: Orders
}

export type StoredThing =
  | { readonly type: 'entry'; readonly entry: Entry }
  | { readonly type: 'released'; readonly released: Released }
  | { readonly type: 'hash key'; readonly hashKey: Buffer }

export const hashKeyName = 'hash-key'

/** Hex digits of SHA-256: no two of the identities that there will ever be share them. */
const digits = 40

/** `volume/…`, `snapshot/…` or `snapshot-schedule/…`: keys hold what names of variables and objects may not. */
export function nameOfKey(key: Key): string {
  const kind = key.slice(0, key.indexOf('/')).replace(/(?!^)[A-Z]/g, '-$&')
  return `${kind.toLowerCase()}/${digest(key)}`
}

export function nameOfReleased({ key, externalID }: Released): string {
  return `released/${digest(JSON.stringify([key, externalID]))}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits)
}

/** What fitEntry and its like wrote. @throws OperationError where it is something else */
export function parseStored(name: string, text: string): StoredThing {
  let value: unknown
  try {
    value = parseJSON(text)
  } catch (error) {
    throw unreadable(name, errorMessage(error))
  }
  if (typeof value !== 'object' || value === null) throw unreadable(name, 'it is no object')
  if ('hashKey' in value) return { type: 'hash key', hashKey: Buffer.from(String(value.hashKey), 'base64') }
  // The only writer is this file, at this release or an earlier one.
  if ('released' in value) return { type: 'released', released: value.released as Released }
  if (!('key' in value)) throw unreadable(name, 'it names no key')
  return { type: 'entry', entry: readEntry(value as Entry | OldEntry) }
}

/** As version 0.1.0 wrote it. */
interface OldEntry {
  readonly key: Key
  readonly record: WholeRecord
  readonly orders: Orders
}

function readEntry(entry: Entry | OldEntry): Entry {
  const { key, orders } = entry
  const parts = 'record' in entry ? takeApart(entry.record, orders, Date.now()) : entry
  return {
    key,
    orders: parts.orders,
    ...(parts.declared === undefined ? {} : { declared: reviveDeclared(parts.declared) }),
    ...(parts.managed === undefined ? {} : { managed: reviveManaged(parts.managed) }),
  }
}

function unreadable(name: string, why: string): OperationError {
  return new OperationError(
    `the inventory's ${name} is not what Mooring wrote (${why}): put it back as it was, or remove it if what it stood for is gone`,
    { kind: 'permanent', reason: 'InventoryDamaged' },
  )
}

/** What may be left out of a status, from what is missed least; passes and people do without. */
const reductions: readonly ((status: Status) => Status)[] = [
  (status) => ({ ...status, history: (status.history ?? []).slice(0, 5) }),
  ({ claims: _, ...status }) => status,
  ({ kept: _, ...status }) => status,
  ({ history: _, ...status }) => status,
]

/**
 * The text of an entry that is no longer than `maxBytes`, for which the newest steps, the claims and the
 * reasons why snapshots are kept may go: the next pass sees the latter again.
 * @throws OperationError `permanent` with reason `RecordTooLarge`
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
    `${entry.key} takes ${Buffer.byteLength(text)} bytes in the inventory, which keeps ${maxBytes} at most: ${remedyFor(managed)}`,
    { kind: 'permanent', reason: 'RecordTooLarge' },
  )
}

function remedyFor({ kind }: ManagedPart): string {
  return kind === 'SnapshotSchedule'
    ? 'let several schedules share its volumes'
    : 'declare shorter parameters, context and labels'
}
