import { createKubernetesClient } from '../../../src/kube/client.ts'
import { createConfigMapRecords } from '../../../src/operator/inventory/config-map-records.ts'
import { openStoredInventory } from '../../../src/operator/inventory/stored-inventory.ts'
import { createKubernetes, openClusterObjects } from '../../../src/operator/kubernetes.ts'
import { guardEffects } from '../../../src/operator/replicas/guard-effects.ts'
import { createLeaseLock } from '../../../src/operator/replicas/lease-lock.ts'
import { leaseMs, type OpenPlace } from '../place.ts'
import { operatorNamespace } from '../world/api-server.ts'
import { createSimulatedHttp, type Transport } from '../world/api-transport.ts'
import { namespaceMapping } from './documents.ts'

const instance = 'default'

export const leaseName = `mooring-${instance}`

/** Objects of Kubernetes declare, ConfigMaps keep the records, and a Lease says who leads: all by one API server. */
export function objectsPlace(transport: Transport): OpenPlace {
  return async ({ owner, clock, random, log }) => {
    const api = createKubernetesClient(createSimulatedHttp(owner, transport))
    const kubernetes = await createKubernetes({
      settings: { namespaceMapping },
      api,
      operatorNamespace,
      readOnly: false,
      replica: owner.name,
      clock,
      random,
      randomBytes: (size) => Buffer.alloc(size, 'the same in every history'),
      log,
    })
    return {
      lock: createLeaseLock({
        api,
        namespace: operatorNamespace,
        name: leaseName,
        identity: owner.name,
        leaseDurationSeconds: leaseMs / 1000,
        clock,
      }),
      async openInventory({ mayAct, giveUp }) {
        const store = createConfigMapRecords({ api, namespace: operatorNamespace, instance })
        return openStoredInventory(guardEffects(store, mayAct), giveUp, await kubernetes.hashKey(instance))
      },
      openDeclarations({ mayAct }) {
        const objects = openClusterObjects(kubernetes, { cluster: undefined, mayAct, clock, log })
        return {
          source: objects.source,
          readSecret: kubernetes.readSecret,
          sync: objects.sync,
          close: objects.close,
        }
      },
    }
  }
}
