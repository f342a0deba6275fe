import { createHash } from 'node:crypto'
import {
  isAlreadyExists,
  isConflict,
  isNotFound,
  type KubernetesApi,
  type KubernetesObject,
} from '../../kube/api.ts'
import { apiVersionOf, configMaps } from '../../kube/resources.ts'
import { OperationError, toOperationError } from '../../lib/errors.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import { RecordConflictError, type RecordStore, type StoredText } from './record-store.ts'

const inventoryLabel = 'mooring.dev/inventory'
const recordAnnotation = 'mooring.dev/record'
const dataKey = 'record'
const pageSize = 500
/** A ConfigMap holds 1 MiB, including names and quotes. */
const maxTextBytes = 768 * 1024
/** If an answer is lost, a read shows whether the write arrived. If not, it is repeated. */
const attempts = 3

/**
 * Stores each record in a ConfigMap of its own, in the operator's namespace.
 * @param instance identifies this inventory among others in the namespace; a valid label value
 */
export function createConfigMapRecords(options: {
  readonly api: KubernetesApi
  readonly namespace: string
  readonly instance: string
}): RecordStore {
  const { api, namespace, instance } = options

  /** Hashed, because a record's name may hold characters that a ConfigMap's name may not. */
  const objectName = (record: string) =>
    `mooring-${instance}-${createHash('sha256').update(record).digest('hex').slice(0, 20)}`

  const toObject = (name: string, text: string) => ({
    apiVersion: apiVersionOf(configMaps),
    kind: configMaps.kind,
    metadata: {
      name: objectName(name),
      namespace,
      labels: { [inventoryLabel]: instance },
      annotations: { [recordAnnotation]: name },
    },
    data: { [dataKey]: text },
  })

  const get = (name: string) => api.get(configMaps, { namespace, name: objectName(name) })

  async function writeOnce(name: string, text: string, version: string | undefined): Promise<string> {
    const object = toObject(name, text)
    const written =
      version === undefined
        ? await api.create(configMaps, object)
        : await api.update(configMaps, {
            ...object,
            metadata: { ...object.metadata, resourceVersion: version },
          })
    return versionOf(written)
  }

  return {
    maxTextBytes,
    async read(name) {
      const found = await get(name)
      return found && parseRecord(found)
    },
    async load() {
      const texts: StoredText[] = []
      let continueToken: string | undefined
      do {
        const page = await api.list(configMaps, {
          namespace,
          labelSelector: `${inventoryLabel}=${instance}`,
          limit: pageSize,
          ...(continueToken !== undefined && { continueToken }),
        })
        texts.push(...page.items.map(parseRecord))
        continueToken = page.continueToken
      } while (continueToken !== undefined)
      return texts
    },

    async write(name, text, version) {
      let wasLost = false
      for (let attempt = 1; ; attempt += 1) {
        try {
          return await writeOnce(name, text, version)
        } catch (error) {
          const isOther = isConflict(error) || isAlreadyExists(error) || isNotFound(error)
          const isLost = !isOther && toOperationError(error).kind === 'ambiguous'
          if (!isOther && !isLost) throw error
          wasLost ||= isLost
          if (wasLost) {
            const present = await get(name)
            // 1. The write arrived, or another process wrote the same text.
            if (present && versionOf(present) !== version && parseRecord(present).text === text) {
              return versionOf(present)
            }
            // 2. The write has not arrived. A repeat is safe: the version lets only one of them through.
            const isUnchanged = present ? versionOf(present) === version : version === undefined
            if (isUnchanged && isLost && attempt < attempts) continue
            if (isUnchanged) throw error
          }
          // 3. Another process wrote.
          throw new RecordConflictError(`the record "${name}" was written by another process`, {
            cause: error,
          })
        }
      }
    },

    async remove(name, version) {
      for (let attempt = 1; ; attempt += 1) {
        try {
          await api.delete(configMaps, { namespace, name: objectName(name) }, { resourceVersion: version })
          return
        } catch (error) {
          if (isConflict(error)) {
            throw new RecordConflictError(`the record "${name}" was written by another process`, {
              cause: error,
            })
          }
          // If the lost call removed it, the repeat finds nothing, which is success.
          if (toOperationError(error).kind !== 'ambiguous' || attempt === attempts) throw error
        }
      }
    },
  }
}

function versionOf({ metadata }: KubernetesObject): string {
  return metadata.resourceVersion ?? ''
}

/** @throws OperationError if somebody changed it by hand */
function parseRecord(object: KubernetesObject): StoredText {
  const name = object.metadata.annotations?.[recordAnnotation]
  const data = object.data
  const text =
    typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[dataKey] : undefined
  if (name === undefined || typeof text !== 'string') {
    throw new OperationError(
      `ConfigMap "${object.metadata.name}" in namespace "${object.metadata.namespace}" is labelled as an inventory record but lacks annotation ${recordAnnotation} or data.${dataKey}. ${advise(reasons.RecordUnreadable.person.restore())}`,
      { kind: 'permanent', reason: 'RecordUnreadable' },
    )
  }
  return { name, text, version: versionOf(object) }
}
