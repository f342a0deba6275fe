import PQueue from 'p-queue'
import type { VariablesApi } from '../../nomad/variables.ts'
import { RecordConflictError, type RecordStore, type StoredText } from './record-store.ts'

/** Nomad's limit for all names and values of a variable together (nomad/structs/variables.go). */
const maxVariableBytes = 65_536

/** The only item of each variable. */
const item = 'record'

/** Far below Nomad's limit of connections per client. */
const concurrentReads = 16

/**
 * Stores each text in a Nomad Variable at `<prefix><name>`. Its version is the ModifyIndex.
 * @param options.prefix ends in a slash
 * @param options.exclude names under the prefix that are not texts, such as the lock
 */
export function createVariableStore(
  api: Pick<VariablesApi, 'readVariable' | 'listVariables' | 'putVariable' | 'deleteVariable'>,
  options: { readonly namespace: string; readonly prefix: string; readonly exclude: readonly string[] },
): RecordStore {
  const { namespace, prefix, exclude } = options
  const addressOf = (name: string) => ({ namespace, path: `${prefix}${name}` })

  async function read(name: string): Promise<StoredText | undefined> {
    const variable = await api.readVariable(addressOf(name))
    if (variable === undefined) return undefined
    return { name, text: variable.Items[item] ?? '', version: String(variable.ModifyIndex) }
  }

  return {
    maxTextBytes: maxVariableBytes - item.length,
    async load() {
      const stubs = await api.listVariables(namespace, prefix)
      const names = stubs
        .map(({ Path }) => Path.slice(prefix.length))
        .filter((name) => !exclude.includes(name))
      const queue = new PQueue({ concurrency: concurrentReads })
      const texts = await queue.addAll(names.map((name) => () => read(name)))
      return texts.filter((text) => text !== undefined)
    },
    read,
    async write(name, text, version) {
      const written = await api.putVariable(addressOf(name), { [item]: text }, version ?? '0')
      if (written === undefined) throw conflict(prefix, name)
      return String(written.ModifyIndex)
    },
    async remove(name, version) {
      if (!(await api.deleteVariable(addressOf(name), version))) throw conflict(prefix, name)
    },
  }
}

function conflict(prefix: string, name: string): RecordConflictError {
  return new RecordConflictError(`variable "${prefix}${name}" was written by another process`)
}
