import { annotations } from '../../../src/operator/desired/object-ends.ts'
import type { Order } from '../../../src/operator/orders/order.ts'
import { asRecord, asStrings, type StoredObject } from '../../fakes/kubernetes/json.ts'
import { keyOf } from '../../fakes/kubernetes/target.ts'
import type { Act } from '../acts.ts'
import { secretValue } from '../operator-process.ts'
import { nobody, type Scheduler } from '../scheduler.ts'
import { createApiServer, fine, identityOfObject, operatorNamespace, type Team } from '../world/api-server.ts'
import type { ArrivedWrite, Transport } from '../world/api-transport.ts'
import type { History, ObjectChange } from '../world/history.ts'
import type { Network } from '../world/network.ts'
import type { SimulatedNomad } from '../world/nomad.ts'
import { giveOrder } from './give-order.ts'
import { createKubectl, declaring } from './kubectl.ts'
import { createManifests } from './manifests.ts'
import { leaseName, objectsPlace } from './place.ts'
import { createObjectWishes, isEnding } from './wishes.ts'

/** A world in which objects of a Kubernetes API server declare. */
export function createObjectWorld(options: {
  readonly scheduler: Scheduler
  readonly network: Network
  readonly chance: (name: string) => number
  readonly history: History
  readonly nomad: SimulatedNomad
  /** Told of each record that becomes durable, and of each write of an object. */
  readonly onStored: (name: string, text: string) => void
}) {
  const { scheduler, history, nomad, onStored } = options
  const server = createApiServer(() => scheduler.nowMs)
  /** The UIDs that each process has seen. */
  const seen = new Map<string, Set<string>>()
  const nowMs = () => scheduler.nowMs
  const wishes = createObjectWishes(nowMs, server)

  function noteChange(
    kind: string,
    before: StoredObject | undefined,
    after: StoredObject | undefined,
    by: string,
  ) {
    const object = after ?? before
    if (object === undefined) return
    const { uid, name, namespace = '' } = object.metadata
    if (kind === 'ConfigMap' && after !== undefined) onStored(name, JSON.stringify(after.data))
    if (kind === 'Namespace' && after === undefined) {
      scheduler.after(nobody, 5_000, 'the namespace is made again', () => {
        kubectl.addNamespace(name as Team)
        applyAll()
      })
    }
    if (!declaring.some((each) => each === kind)) return
    if (by !== 'a person') onStored(name, JSON.stringify(after?.status ?? ''))
    history.record({
      type: 'object changed',
      about: `${kind} ${namespace}/${name}`,
      identity: identityOfObject(object),
      uid,
      by,
      change: changeOf(before, after),
      before,
      after,
      isSeen: before === undefined || !by.startsWith('mooring') || seen.get(by)?.has(uid) === true,
    })
    if (after === undefined && manifests.has(object))
      scheduler.after(nobody, 1_000, 'manifests are applied again', applyAll)
  }

  function applyAll() {
    if (!server.conditions.isAway) manifests.applyAll()
  }

  server.onChange(({ kind, before, after, by }) => noteChange(kind, before, after, by))
  const kubectl = createKubectl(server)
  const manifests = createManifests(kubectl, nowMs)

  function onWrite({ by, verb, kind, namespace, name, subresource, text }: ArrivedWrite) {
    if (kind !== 'Secret' && kind !== 'ConfigMap' && shows(text))
      history.record({ type: 'text shown', where: `${kind} ${name ?? ''}`, text: secretValue })
    if (!declaring.some((each) => each === kind)) return
    const what = subresource === undefined ? verb : `${verb} ${subresource}`
    history.record({ type: 'object write arrives', about: `${kind} ${namespace}/${name}`, by: by.name, what })
  }

  const transport: Transport = {
    ...options,
    server,
    onWrite,
    onSeen(owner, uid) {
      const known = seen.get(owner.name) ?? new Set()
      seen.set(owner.name, known.add(uid))
    },
  }

  return {
    server,
    wishes,
    all: kubectl.all,
    openPlace: objectsPlace(transport),
    holder: () => {
      const lease = server.store.get('coordination.k8s.io/leases', keyOf(operatorNamespace, leaseName))
      const { holderIdentity } = asRecord(lease?.spec)
      return typeof holderIdentity === 'string' ? holderIdentity : undefined
    },
    isAway: () => server.conditions.isAway,
    calmDown() {
      Object.assign(server.conditions, fine)
      // What goes with its namespace waits for a person's word.
      for (const object of kubectl.all()) {
        const isThere = kubectl.isNamespaceThere(object.metadata.namespace as Team)
        if (isEnding(object) && !isThere) kubectl.annotate(object, annotations.release, 'retain')
      }
      applyAll()
    },
    /** @returns false: the act is none of objects */
    perform(act: Act): boolean {
      switch (act.do) {
        case 'api server':
          if (act.to === 'cut off') server.cutConnections()
          else if (act.to === 'compacted') server.compact()
          else {
            server.setAway(act.to === 'away')
            server.conditions.failing = act.to === 'failing' ? 0.3 : 0
            server.conditions.cacheAgeMs = act.to === 'behind' ? 60_000 : 0
          }
          return true
        case 'damage':
        case 'repair':
        case 'move':
        case 'folder':
          return true
        case 'write':
        case 'duplicate':
        case 'remove':
        case 'object':
        case 'delete namespace':
          if (!server.conditions.isAway) manifests.perform(act)
          return true
        default:
          return false
      }
    },
    /** Gives an order by an annotation. @returns whether there is one for it */
    order: (given: Order) =>
      !server.conditions.isAway && giveOrder(given, { kubectl, manifests, nomad, nowMs }),
  }
}

export type ObjectWorld = ReturnType<typeof createObjectWorld>

const encodedSecret = Buffer.from(secretValue).toString('base64')
const shows = (text: string) => text.includes(secretValue) || text.includes(encodedSecret)

function changeOf(before: StoredObject | undefined, after: StoredObject | undefined): ObjectChange['change'] {
  if (before === undefined) return 'made'
  if (after === undefined) return 'gone'
  if (isEnding(after) && !isEnding(before)) return 'deleted'
  const [had, has] = [before, after].map((each) => asStrings(each.metadata.finalizers).length)
  if (had !== has) return (has ?? 0) > (had ?? 0) ? 'held by a finalizer' : 'let go by its finalizer'
  if (before.metadata.generation !== after.metadata.generation) return 'edited'
  return before.status === after.status ? 'annotated' : 'given a status'
}
