import { randomBytes } from 'node:crypto'
import { OperationError, toOperationError } from '../../lib/errors.ts'
import { createInTurn } from '../../lib/in-turn.ts'
import { stringifyJSON } from '../../lib/json.ts'
import type { Key } from '../plan/identity.ts'
import { createKeyedHash } from './keyed-hash.ts'
import { createMemoryInventory, type KeptInventory } from './memory-inventory.ts'
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
): Promise<KeptInventory> {
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
      records: entries.flatMap(({ record }) => (record === undefined ? [] : [record])),
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
  function change(key: Key, change: (entry: Entry) => Entry): Promise<void> {
    const name = nameOfKey(key)
    return inTurn(name, async () => {
      const record = memory.get(key)
      const orders = memory.orders(key)
      const after = change({ key, orders, ...(record === undefined ? {} : { record }) })
      await write(name, isEmpty(after) ? undefined : fitEntry(after, store.maxTextBytes))
      if (isEmpty(after)) return memory.delete(key)
      if (after.record !== undefined) await memory.put(after.record)
      if (after.orders !== orders) await memory.amendOrders(key, () => after.orders)
    })
  }

  return {
    ...memory,
    hashKey,
    put: (record) => change(record.key, (entry) => ({ ...entry, record })),
    amend: (key, amendment) =>
      change(key, (entry) =>
        entry.record === undefined ? entry : { ...entry, record: amendment(entry.record) },
      ),
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

function isEmpty({ record, orders }: Entry): boolean {
  return record === undefined && Object.keys(orders).length === 0
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
