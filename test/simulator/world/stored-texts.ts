import { OperationError } from '../../../src/lib/errors.ts'
import {
  RecordConflictError,
  type RecordStore,
  type StoredText,
} from '../../../src/operator/inventory/record-store.ts'
import type { Owner, Scheduler } from '../scheduler.ts'
import type { Network } from './network.ts'

/** What is durable of the inventory: it outlives every process. */
export interface StoredTexts {
  readonly texts: Map<string, StoredText>
  /** No version is given twice. */
  serial: number
}

const noRoom = () =>
  new OperationError('no space left', { kind: 'transient', reason: 'InventoryUnreachable' })

const maxTextBytes = 65_530

/** The store of a process that is alone: on its own disk, which can be full, and loses no answer. */
export function createLocalRecordStore(
  owner: Owner,
  { scheduler, network }: { readonly scheduler: Scheduler; readonly network: Network },
  stored: StoredTexts,
  onWrite: (name: string, text: string) => void,
): RecordStore {
  const { texts } = stored

  function change(title: string, name: string, carryOut: () => void): Promise<void> {
    const { weather, meets } = network
    if (meets(weather.storeFull, `${title} ${name} finds no room`)) return Promise.reject(noRoom())
    return new Promise((resolve) => {
      scheduler.after(owner, network.latencyMs(title), `${title} ${name}`, () => {
        carryOut()
        // It may have been killed at this moment.
        if (owner.isAlive) resolve()
      })
    })
  }

  return {
    maxTextBytes,
    load: async () => [...texts.values()],
    read: async (name) => texts.get(name),
    async write(name, text) {
      stored.serial += 1
      const version = `${stored.serial}`
      await change('store record', name, () => {
        texts.set(name, { name, text, version })
        onWrite(name, text)
      })
      return version
    },
    async remove(name) {
      if (texts.has(name)) await change('remove record', name, () => void texts.delete(name))
    },
  }
}

/** The store as one of two replicas has it. Writes may be lost, come late or be refused, like those of any other system. */
export function createSimulatedRecordStore(
  owner: Owner,
  network: Network,
  stored: StoredTexts,
  onWrite: (name: string, text: string) => void,
): RecordStore {
  const { texts } = stored

  function change(title: string, name: string, version: string | undefined, carryOut: () => void) {
    const { weather, meets } = network
    if (meets(weather.storeFull, `${title} ${name} finds no room`)) return Promise.reject(noRoom())
    return network.call(owner, {
      title,
      about: name,
      type: 'write',
      isNomad: false,
      work() {
        if (texts.get(name)?.version !== version) {
          throw new RecordConflictError(`${name} is of version ${texts.get(name)?.version}`)
        }
        carryOut()
        return texts.get(name)?.version ?? ''
      },
    })
  }

  return {
    maxTextBytes,
    load: () =>
      network.call(owner, {
        title: 'load records',
        about: '',
        type: 'read',
        work: () => [...texts.values()],
      }),
    read: (name) =>
      network.call(owner, { title: 'read record', about: name, type: 'read', work: () => texts.get(name) }),
    write: (name, text, version) =>
      change('store record', name, version, () => {
        stored.serial += 1
        texts.set(name, { name, text, version: `${stored.serial}` })
        onWrite(name, text)
      }),
    async remove(name, version) {
      if (!texts.has(name)) return
      await change('remove record', name, version, () => {
        texts.delete(name)
      })
    },
  }
}
