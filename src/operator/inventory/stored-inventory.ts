import { randomBytes } from 'node:crypto'
import { OperationError, toOperationError } from '../../lib/errors.ts'
import { createInTurn } from '../../lib/in-turn.ts'
import { stringifyJSON } from '../../lib/json.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { Key } from '../plan/identity.ts'
import { createKeyedHash } from './keyed-hash.ts'
import { createMemoryInventory, type LastingInventory } from './memory-inventory.ts'
import { RecordConflictError, type RecordStore } from './record-store.ts'
import { type Entry, fitEntry, hashKeyName, nameOfKey, nameOfReleased, parseStored } from './stored-text.ts'

/** The text of a name, as this process last saw it stored. */
interface Stored {
  readonly text: string
  readonly version: string
}

/**
 * Opens an inventory that several replicas share. Another system stores it, one text per identity; the leader holds
 * all of it in memory. Each write names the version that it replaces, so a former leader cannot overwrite its
 * successor. If a write finds a foreign version, this process calls `onConflict` and must give up its leadership.
 *
 * If the answer to a write is lost, a read shows whether it arrived. A write that arrives even later causes a conflict,
 * or stores the intended text.
 * @param givenHashKey the key of the keyed hashes; without it, the store holds the key
 * @throws OperationError if the store cannot be read, or holds something that this release cannot read
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
  const inTurn = createInTurn()
  let conflict: RecordConflictError | undefined

  /** @param text undefined: removes the name */
  async function write(name: string, text: string | undefined): Promise<void> {
    const before = stored.get(name)
    if (before?.text === text) return
    if (conflict !== undefined) throw notLeader(conflict)
    try {
      if (text !== undefined) {
        stored.set(name, { text, version: await store.write(name, text, before?.version) })
      } else if (before !== undefined) {
        await store.remove(name, before.version)
        stored.delete(name)
      }
    } catch (error) {
      await confirmWrite(name, text, before, error)
    }
  }

  /** Reads whether a failed or unanswered write arrived. Throws if it did not. */
  async function confirmWrite(
    name: string,
    text: string | undefined,
    before: Stored | undefined,
    error: unknown,
  ) {
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
    throw notLeader(conflict)
  }

  /** Stores the changed entry of a key, then updates the memory. */
  function change(key: Key, change: (before: Entry) => Entry): Promise<void> {
    const name = nameOfKey(key)
    return inTurn(name, async () => {
      const before = entryOf(key)
      const after = change(before)
      await write(name, isEmpty(after) ? undefined : fitEntry(after, store.maxTextBytes))
      if (after.managed === undefined && before.managed !== undefined) return memory.delete(key)
      // Before the first pass, a reading may have put a newer declaration in memory.
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
      // Until a pass has written something, the declaration stays in memory.
      if (memory.managed(key) === undefined) await memory.declare(declared)
      await change(key, (entry) => (entry.managed === undefined ? entry : { ...entry, declared }))
    },
    async put(managed) {
      const { key } = managed
      const declared = memory.declared(key)
      if (declared === undefined) throw new Error(`${key} was never declared`)
      // A reading may have changed or removed the declaration while this write waited.
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

function notLeader(conflict: RecordConflictError): OperationError {
  return new OperationError(`this process no longer leads, so it changes nothing: ${conflict.message}`, {
    kind: 'waiting',
    reason: 'NotLeader',
    cause: conflict,
  })
}

const hashKeyBytes = 32

/** The first leader creates the key. Later leaders read it. */
async function createHashKey(store: RecordStore, stored: Map<string, Stored>): Promise<Buffer> {
  if (stored.size > 0) {
    throw new OperationError(
      `the inventory has records but no ${hashKeyName}. Mooring cannot compare secrets without it. ${advise(reasons.HashKeyMissing.person.restore())}`,
      { kind: 'permanent', reason: 'HashKeyMissing' },
    )
  }
  const hashKey = randomBytes(hashKeyBytes)
  await store.write(hashKeyName, stringifyJSON({ hashKey: hashKey.toString('base64') }), undefined)
  return hashKey
}
