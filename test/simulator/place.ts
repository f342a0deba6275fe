import { createHash } from 'node:crypto'
import type { Clock } from '../../src/lib/clock.ts'
import type { Log } from '../../src/lib/log.ts'
import type { ControlLoopOptions } from '../../src/operator/control-loop.ts'
import type { LastingInventory } from '../../src/operator/inventory/memory-inventory.ts'
import { openStoredInventory } from '../../src/operator/inventory/stored-inventory.ts'
import type { TakeOrder } from '../../src/operator/orders/take-order.ts'
import { guardEffects } from '../../src/operator/replicas/guard-effects.ts'
import type { LeaderLock } from '../../src/operator/replicas/leader-lock.ts'
import { createLeaseLock } from '../../src/operator/replicas/lease-lock.ts'
import type { Term } from '../../src/operator/replicas/terms.ts'
import { createFileSource } from '../../src/operator/sources/files.ts'
import type { Source } from '../../src/operator/sources/source.ts'
import { parseOnce } from './parse-once.ts'
import type { Owner } from './scheduler.ts'
import { rootPath } from './world/folder.ts'
import { createSimulatedLeases, type StoredLease } from './world/leases.ts'
import type { Outside } from './world/nomad-client.ts'
import { createLocalRecordStore, createSimulatedRecordStore, type StoredTexts } from './world/stored-texts.ts'

/** Longer than the default in the same proportion as all times of leadership. */
export const leaseMs = 90_000

/** Where one process finds what is declared, and keeps its records. */
export interface Place {
  /** Among replicas; absent: this process is alone. */
  readonly lock?: LeaderLock
  openInventory(term: Term): Promise<LastingInventory>
  openDeclarations(term: Term): Declarations
}

/** What is declared, for one term. */
export interface Declarations {
  readonly source: Source
  /** Of Kubernetes. */
  readonly readSecret?: (namespace: string, name: string, key: string) => Promise<string | undefined>
  /** Writes to objects what becomes of them. */
  readonly sync?: (
    operator: Parameters<NonNullable<ControlLoopOptions['syncObjects']>>[0] & {
      readonly inventory: LastingInventory
      readonly takeOrder: TakeOrder
    },
  ) => ReturnType<NonNullable<ControlLoopOptions['syncObjects']>>
  close(): Promise<void>
}

/** What a process has of its own. */
export interface PlaceOptions {
  readonly owner: Owner
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
}

export type OpenPlace = (options: PlaceOptions) => Promise<Place>

/** Where all processes of a history have that. */
export interface Ground {
  readonly openPlace: OpenPlace
  /** Who holds the Lease now; absent: there is none, because there is one process. */
  readonly holder?: () => string | undefined
}

const hashKey = createHash('sha256').update('the same in every history').digest()

const knownHashes = new Map<string, string>()

/** Histories hash the same texts again and again, under the same key. */
function withKnownHashes(inventory: LastingInventory): LastingInventory {
  return {
    ...inventory,
    keyedHash(text) {
      const hash = knownHashes.get(text) ?? inventory.keyedHash(text)
      if (knownHashes.size > 10_000) knownHashes.clear()
      knownHashes.set(text, hash)
      return hash
    },
  }
}

/** Files in a folder, records in a store, and between two replicas a Lease: what is durable outlives every process. */
export function createFilesGround(options: {
  readonly replicas: 1 | 2
  readonly outside: Outside
  /** Told of each text that becomes durable. */
  readonly onStored: (name: string, text: string) => void
}): Ground {
  const { replicas, outside, onStored } = options
  const { network } = outside
  const stored: StoredTexts = { texts: new Map(), serial: 0 }
  const lease: StoredLease = { lease: undefined, serial: 0 }
  const isShared = replicas > 1
  return {
    async openPlace({ owner, clock, log }) {
      const lock = createLeaseLock({
        api: createSimulatedLeases(owner, network, lease),
        namespace: 'mooring',
        name: 'mooring',
        identity: owner.name,
        leaseDurationSeconds: leaseMs / 1000,
        clock,
      })
      return {
        ...(isShared ? { lock } : {}),
        async openInventory({ mayAct, giveUp }) {
          const store = isShared
            ? createSimulatedRecordStore(owner, network, stored, onStored)
            : createLocalRecordStore(owner, outside, stored, onStored)
          return withKnownHashes(await openStoredInventory(guardEffects(store, mayAct), giveUp, hashKey))
        },
        openDeclarations() {
          const source = createFileSource({ path: rootPath, clock, log, parse: parseOnce })
          return { source, close: source.close }
        },
      }
    },
    ...(isShared
      ? { holder: () => (lease.lease?.spec as { holderIdentity?: string } | undefined)?.holderIdentity }
      : {}),
  }
}
