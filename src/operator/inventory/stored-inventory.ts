import { randomBytes } from 'node:crypto'
import { OperationError, toOperationError } from '../../lib/errors.ts'
import { createInTurn } from '../../lib/in-turn.ts'
import { stringifyJSON } from '../../lib/json.ts'
import type { Key } from '../plan/identity.ts'
import { createKeyedHash } from './keyed-hash.ts'
import { createMemoryInventory, type LastingInventory } from './memory-inventory.ts'
import { RecordConflictError, type RecordStore } from './record-store.ts'
import { type Entry, fitEntry, hashKeyName, nameOfKey, nameOfReleased, parseStored } from './stored-text.ts'

/** A name's text as it is stored, by all that is known here. */
interface Stored {
  readonly text: string
  readonly version: string
}

/**
 * The inventory of operators with replicas: another system keeps it, one text per identity, and the leader
 * has all of it in memory. Each write names the version that it replaces, so that a leader of yesterday can
 * write over nothing that a later one wrote: whoever meets a version of somebody else no longer knows what
 * is stored, and gives up its leadership by `onConflict`. What it knew then is of no more use.
 *
 * A write whose answer was lost is settled by reading. One that arrives later still changes a version, and
 * thus ends in a conflict, or is found to be what was to be written.
 * @param givenHashKey of the keyed hashes, where it is kept elsewhere; else it is in the store
 * @throws OperationError where the store cannot be read, or holds what this release cannot read
 */
export async function openStoredInventory(
  store: RecordStore,
  onConflict: (why: string) => void,
  givenHashKey?: Buffer,
): Promise<LastingInventory> {
  const stored = new Map<string, Stored>()
  const parsed = (await store.load()).map(({ name, text, version }) => {
    stored.set(name, { text, version })
    return parseStored(name, text)
  })
  const entries = parsed.flatMap((each) => (each.type === 'entry' ? [each.entry] : []))
  const hashKey =
    givenHashKey ??
    parsed.find((each) => each.type === 'hash key')?.hashKey ??
    (await createHashKey(store, stored))
  const memory = createMemoryInventory(
    {
      declared: entries.flatMap(({ declared }) => declared ?? []),
      managed: entries.flatMap(({ managed }) => managed ?? []),
      orders: entries.map(({ key, orders }) => [key, orders]),
      released: parsed.flatMap((each) => (each.type === 'released' ? [each.released] : [])),
    },
    createKeyedHash(hashKey),
  )
  /** Writes of one name. */
  const inTurn = createInTurn()
  let conflict: RecordConflictError | undefined

  /** @param text undefined: nothing is to be there */
  async function write(name: string, text: string | undefined): Promise<void> {
    const before = stored.get(name)
    if (before?.text === text) return
    if (conflict !== undefined) throw toldOf(conflict)
    try {
      if (text !== undefined) {
        stored.set(name, { text, version: await store.write(name, text, before?.version) })
      } else if (before !== undefined) {
        await store.remove(name, before.version)
        stored.delete(name)
      }
    } catch (error) {
      await settle(name, text, before, error)
    }
  }

  /** Reads what became of a write that failed, or whose answer did not come. Throws unless it was carried out. */
  async function settle(name: string, text: string | undefined, before: Stored | undefined, error: unknown) {
    const isConflict = error instanceof RecordConflictError
    if (!isConflict && toOperationError(error).kind !== 'ambiguous') throw error
    const found = await store.read(name)
    if (found?.text === text) {
      if (found === undefined) stored.delete(name)
      else stored.set(name, found)
      return
    }
    if (!isConflict && found?.version === before?.version) {
      throw new OperationError(toOperationError(error).message, {
        kind: 'transient',
        reason: 'InventoryUnreachable',
        cause: error,
      })
    }
    conflict = isConflict ? error : new RecordConflictError(`${name} was written by another process`)
    onConflict(conflict.message)
    throw toldOf(conflict)
  }

  /** Writes what becomes of the entry of a key, and then remembers it. */
  function change(key: Key, change: (before: Entry) => Entry): Promise<void> {
    const name = nameOfKey(key)
    return inTurn(name, async () => {
      const before = entryOf(key)
      const after = change(before)
      await write(name, isEmpty(after) ? undefined : fitEntry(after, store.maxTextBytes))
      if (after.managed === undefined && before.managed !== undefined) return memory.delete(key)
      // Before its first pass the memory may have a newer declaration by now.
      const isFirst = before.managed === undefined && memory.declared(key) !== undefined
      if (after.declared !== undefined && !isFirst) await memory.declare(after.declared)
      if (after.managed !== undefined) await memory.put(after.managed)
      if (after.orders !== before.orders) await memory.amendOrders(key, () => after.orders)
    })
  }

  function entryOf(key: Key): Entry {
    const managed = memory.managed(key)
    const declared = memory.declared(key)
    const parts = managed === undefined || declared === undefined ? {} : { declared, managed }
    return { key, ...parts, orders: memory.orders(key) }
  }

  return {
    ...memory,
    hashKey,
    async declare(declared) {
      const { key } = declared
      // What no pass has written anything of is written with the first that one writes.
      if (memory.managed(key) === undefined) await memory.declare(declared)
      await change(key, (entry) => (entry.managed === undefined ? entry : { ...entry, declared }))
    },
    async put(managed) {
      const { key } = managed
      const declared = memory.declared(key)
      if (declared === undefined) throw new Error(`${key} was never declared`)
      // By its turn a reading may have seen another declaration, or none any more.
      await change(key, (entry) => ({ ...entry, declared: memory.declared(key) ?? declared, managed }))
    },
    delete: (key) => change(key, () => ({ key, orders: {} })),
    amendOrders: (key, amendment) => change(key, (entry) => ({ ...entry, orders: amendment(entry.orders) })),
    async release(released) {
      const name = nameOfReleased(released)
      await inTurn(name, async () => {
        await write(name, stringifyJSON({ released }))
        await memory.release(released)
      })
    },
  }
}

function isEmpty({ managed, orders }: Entry): boolean {
  return managed === undefined && Object.keys(orders).length === 0
}

function toldOf(conflict: RecordConflictError): OperationError {
  return new OperationError(`the inventory is written by another process: ${conflict.message}`, {
    kind: 'waiting',
    reason: 'NotLeader',
    cause: conflict,
  })
}

const hashKeyBytes = 32

/** Made once, by the first leader there ever is; all later ones find it. */
async function createHashKey(store: RecordStore, stored: Map<string, Stored>): Promise<Buffer> {
  if (stored.size > 0) {
    throw new OperationError(
      `the inventory has records and no ${hashKeyName}, without which no secret can be compared: put it back`,
      { kind: 'permanent', reason: 'HashKeyMissing' },
    )
  }
  const hashKey = randomBytes(hashKeyBytes)
  await store.write(hashKeyName, stringifyJSON({ hashKey: hashKey.toString('base64') }), undefined)
  return hashKey
}
