import { OperationError } from '../../src/lib/errors.ts'
import {
  RecordConflictError,
  type RecordStore,
  type StoredText,
} from '../../src/operator/inventory/record-store.ts'
import type { Fault } from './nomad-variables.ts'

export interface FakeRecordStore extends RecordStore {
  /** For the next write. */
  fault: Fault | undefined
  /** While set, no read is answered. */
  isUnreachable: boolean
  /** Writes that were carried out, as `write volume/…`. */
  readonly writes: string[]
  readonly texts: ReadonlyMap<string, StoredText>
  /** Writes as another process, whatever anybody knows. */
  overwrite(name: string, text: string): void
}

/** A record store in memory, whose answers can be lost. */
export function createFakeRecordStore(maxTextBytes = 65_530): FakeRecordStore {
  const texts = new Map<string, StoredText>()
  let versions = 0

  function unanswered(): OperationError {
    return new OperationError('the store does not answer', { kind: 'ambiguous', reason: 'AnswerLost' })
  }

  async function change(name: string, version: string | undefined, carryOut: () => void): Promise<void> {
    const { fault } = store
    store.fault = undefined
    await Promise.resolve()
    if (fault === 'lose request') throw unanswered()
    if (texts.get(name)?.version !== version) throw new RecordConflictError(`${name} is of another version`)
    carryOut()
    if (fault === 'lose answer') throw unanswered()
  }

  const put = (name: string, text: string) => {
    versions += 1
    texts.set(name, { name, text, version: String(versions) })
  }

  const store: FakeRecordStore = {
    maxTextBytes,
    fault: undefined,
    isUnreachable: false,
    writes: [],
    texts,
    overwrite: put,
    async load() {
      if (store.isUnreachable) throw unanswered()
      return [...texts.values()]
    },
    async read(name) {
      if (store.isUnreachable) throw unanswered()
      return texts.get(name)
    },
    async write(name, text, version) {
      await change(name, version, () => {
        put(name, text)
        store.writes.push(`write ${name}`)
      })
      return texts.get(name)?.version ?? ''
    },
    async remove(name, version) {
      if (!texts.has(name) && store.fault === undefined) return
      await change(name, version, () => {
        texts.delete(name)
        store.writes.push(`remove ${name}`)
      })
    },
  }
  return store
}
