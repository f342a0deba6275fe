import { isAlreadyExists, type KubernetesApi, type KubernetesObject } from '../../kube/api.ts'
import { apiVersionOf, secrets } from '../../kube/resources.ts'
import { OperationError, toOperationError } from '../../lib/errors.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'

const dataKey = 'key'
const keyBytes = 32

/**
 * Reads the key of the inventory's keyed hashes from an immutable Secret, or creates the Secret. If several replicas
 * start together, one creates it and the others read it.
 * @param randomBytes the operating system's generator
 * @throws OperationError `permanent` if the Secret holds no valid key
 */
export async function ensureHashKey(options: {
  readonly api: KubernetesApi
  readonly namespace: string
  readonly name: string
  readonly randomBytes: (size: number) => Buffer
}): Promise<Buffer> {
  const { api, namespace, name, randomBytes } = options
  const present = await api.get(secrets, { namespace, name })
  if (present) return parseKey(present)
  try {
    const created = await api.create(secrets, {
      apiVersion: apiVersionOf(secrets),
      kind: secrets.kind,
      metadata: { name, namespace },
      type: 'Opaque',
      immutable: true,
      data: { [dataKey]: randomBytes(keyBytes).toString('base64') },
    })
    return parseKey(created)
  } catch (error) {
    if (!isAlreadyExists(error) && toOperationError(error).kind !== 'ambiguous') throw error
    const other = await api.get(secrets, { namespace, name })
    if (!other) throw error
    return parseKey(other)
  }
}

function parseKey({ metadata, data }: KubernetesObject): Buffer {
  const text =
    typeof data === 'object' && data !== null ? (data as Record<string, unknown>)[dataKey] : undefined
  const key = Buffer.from(typeof text === 'string' ? text : '', 'base64')
  if (key.length !== keyBytes) {
    throw new OperationError(
      `Secret "${metadata.name}" in namespace "${metadata.namespace}" holds no key of ${keyBytes} bytes in data.${dataKey}. ${advise(reasons.HashKeyUnreadable.person.restore())}`,
      { kind: 'permanent', reason: 'HashKeyUnreadable' },
    )
  }
  return key
}
