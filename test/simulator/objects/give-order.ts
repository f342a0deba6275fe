import { annotations } from '../../../src/operator/desired/object-ends.ts'
import { keyAnnotation } from '../../../src/operator/kubernetes/object-view.ts'
import type { Order } from '../../../src/operator/orders/order.ts'
import { asRecord, type StoredObject } from '../../fakes/kubernetes/json.ts'
import type { SimulatedNomad } from '../world/nomad.ts'
import type { Kubectl } from './kubectl.ts'
import type { Manifests } from './manifests.ts'

/** Gives an order by an annotation, as `kubectl annotate` does. @returns whether there is one for it */
export function giveOrder(
  given: Order,
  world: {
    readonly kubectl: Kubectl
    readonly manifests: Manifests
    readonly nomad: SimulatedNomad
    readonly nowMs: () => number
  },
): boolean {
  const { kubectl, manifests, nomad, nowMs } = world
  const { find, all, annotate } = kubectl
  const [, , name = ''] = given.key.split('/')
  const volume = find('Volume', 'team-a', name)
  const current = nomad.volumes.get(`default/${name}`)?.ExternalID ?? ''
  const give = (object: StoredObject | undefined, annotation: string, value: string) => {
    if (object === undefined) return false
    annotate(object, annotation, value)
    return true
  }
  switch (given.type) {
    case 'recreate':
      return give(volume, annotations.recreate, given.lostExternalID)
    case 'restoreBack':
      return give(volume, annotations.restoreFrom, `replaced:${given.externalID}@${current}`)
    case 'restore': {
      const shown = all().find((each) => asRecord(each.status).snapshotID === given.snapshot)
      return shown !== undefined && give(volume, annotations.restoreFrom, `${shown.metadata.name}@${current}`)
    }
    case 'detach': {
      const allocations = nomad.workloads.claimsOn(`default/${name}`).join(',')
      const at = allocations === '' ? '' : `@${allocations}`
      return give(volume, annotations.nodeIsDead, `${given.node}${at}`)
    }
    case 'takeSnapshots':
      return give(find('SnapshotSchedule', 'team-a', 'hourly'), annotations.snapshotNow, `${nowMs()}`)
    case 'keepSnapshot': {
      const shown = all().find((each) => asRecord(each.metadata.annotations)[keyAnnotation] === given.key)
      return give(shown, annotations.keep, 'true')
    }
    case 'suspend':
    case 'resume':
      manifests.setSuspended(name, given.type === 'suspend')
      return false
    default:
      return false
  }
}
