import { type KubernetesApi, KubernetesError, type KubernetesObject } from '../../../src/kube/api.ts'
import type { Reason } from '../../../src/lib/reasons/reasons.ts'
import type { Owner } from '../scheduler.ts'
import type { Network } from './network.ts'

/** The one Lease of an API server, whoever holds it. */
export interface StoredLease {
  lease: KubernetesObject | undefined
  serial: number
}

const failure = (code: number, reason: Reason) =>
  new KubernetesError(`lease: ${reason}`, { kind: 'transient', reason, code })

/** What a lock needs of an API server. */
export function createSimulatedLeases(owner: Owner, network: Network, stored: StoredLease): KubernetesApi {
  function call<Result>(
    title: string,
    type: 'read' | 'write',
    signal: AbortSignal | undefined,
    work: () => Result,
  ) {
    return network.call(owner, { title, about: 'mooring', type, signal, isNomad: false, work })
  }
  function store(object: KubernetesObject): KubernetesObject {
    stored.serial += 1
    stored.lease = { ...object, metadata: { ...object.metadata, resourceVersion: String(stored.serial) } }
    return stored.lease
  }
  const api: Pick<KubernetesApi, 'get' | 'create' | 'update'> = {
    get: (_resource, _address, signal) => call('read lease', 'read', signal, () => stored.lease),
    create: (_resource, object, signal) =>
      call('create lease', 'write', signal, () => {
        if (stored.lease !== undefined) throw failure(409, 'AlreadyExists')
        return store(object as KubernetesObject)
      }),
    update: (_resource, object, signal) =>
      call('write lease', 'write', signal, () => {
        const isCurrent = stored.lease?.metadata.resourceVersion === object.metadata.resourceVersion
        if (!isCurrent) throw failure(409, 'Conflict')
        return store(object)
      }),
  }
  return api as KubernetesApi // A lock asks for nothing else.
}
