import { isDeepStrictEqual } from 'node:util'
import {
  isConflict,
  isNotFound,
  type KubernetesApi,
  type KubernetesObject,
  type Resource,
} from '../../kube/api.ts'
import type { EventWriter } from '../../kube/event-writer.ts'
import type { Informer } from '../../kube/informer.ts'
import { OperationError } from '../../lib/errors.ts'
import { createInTurn } from '../../lib/in-turn.ts'
import { finalizer } from './finalizer.ts'
import { type ObjectStatus, readStatus } from './status.ts'

const fieldManager = 'mooring'

/** Time for the watch to show what happened to an object. */
const lookAgainMs = 1_000

/** After so many conflicts in a row, a change fails. After each it reads the object again. */
const mostConflicts = 5

/** Writes status, finalizer and events of objects. Later reads see its writes. */
export interface ObjectWriter {
  /** The object as it is now; undefined where it is gone, even if there is a new one of the same name. */
  current(object: KubernetesObject): KubernetesObject | undefined
  /**
   * Writes the status if it differs and the object exists. A new reason why nothing is done is also an event. Changes of one
   * object run one after another, each on the result of the one before.
   * @param change returns undefined where the status should stay
   */
  writeStatus(
    object: KubernetesObject,
    change: (before: ObjectStatus) => ObjectStatus | undefined,
  ): Promise<void>
  /** @throws OperationError `waiting` where the object is gone or is being deleted */
  addFinalizer(object: KubernetesObject): Promise<void>
  removeFinalizer(object: KubernetesObject): Promise<void>
  event(object: KubernetesObject, type: 'Normal' | 'Warning', reason: string, message: string): void
}

export function createObjectWriter(options: {
  readonly api: Pick<KubernetesApi, 'apply' | 'patchMetadata' | 'get'>
  readonly objects: readonly { readonly resource: Resource; readonly informer: Informer }[]
  readonly events: EventWriter
}): ObjectWriter {
  const { api, objects, events } = options
  const inTurn = createInTurn()

  function kindOf({ kind }: KubernetesObject) {
    const found = objects.find(({ resource }) => resource.kind === kind)
    if (found === undefined) throw new Error(`objects of kind ${kind} are not watched`)
    return found
  }

  function current(object: KubernetesObject): KubernetesObject | undefined {
    const { namespace, name, uid } = object.metadata
    const found = kindOf(object).informer.get(namespace, name)
    return found?.metadata.uid === uid ? found : undefined
  }

  /** Reads again after a conflict; undefined where it is gone. */
  async function reread(object: KubernetesObject): Promise<KubernetesObject | undefined> {
    const { resource, informer } = kindOf(object)
    const found = await api.get(resource, addressOf(object))
    if (found === undefined || found.metadata.uid !== object.metadata.uid) return undefined
    informer.remember(found)
    return found
  }

  /** Changes the list of finalizers. `change` returns undefined where the list is correct already. */
  async function changeFinalizers(
    object: KubernetesObject,
    change: (found: KubernetesObject | undefined) => readonly string[] | undefined,
  ): Promise<void> {
    const { resource, informer } = kindOf(object)
    let found = current(object)
    for (let conflicts = 0; ; conflicts++) {
      const finalizers = change(found)
      const { resourceVersion } = found?.metadata ?? {}
      if (finalizers === undefined || resourceVersion === undefined) return
      try {
        const written = await api.patchMetadata(resource, addressOf(object), { resourceVersion, finalizers })
        // An object that is being deleted and has lost its last finalizer is gone.
        if (!isEnding(written)) informer.remember(written)
        return
      } catch (error) {
        if (isNotFound(error)) found = undefined
        else if (isConflict(error) && conflicts < mostConflicts) found = await reread(object)
        else throw error
      }
    }
  }

  function event(object: KubernetesObject, type: 'Normal' | 'Warning', reason: string, message: string) {
    const { apiVersion, kind, metadata } = object
    // The writer remembers Events for minutes: without this it would hold whole objects in memory.
    const { name, namespace, uid } = metadata
    const subject = { name, ...(namespace && { namespace }), ...(uid && { uid }) }
    events.record({ apiVersion, kind, metadata: subject }, { type, reason, message })
  }

  async function writeStatus(
    object: KubernetesObject,
    change: (before: ObjectStatus) => ObjectStatus | undefined,
  ) {
    const found = current(object)
    if (found === undefined) return
    const before = readStatus(found)
    const status = change(before)
    if (status === undefined || isDeepStrictEqual(before, status)) return
    const { resource, informer } = kindOf(object)
    const { apiVersion, kind, metadata } = found
    try {
      const written = await api.apply(
        resource,
        {
          apiVersion,
          kind,
          metadata: {
            ...addressOf(found),
            ...(metadata.uid === undefined ? {} : { uid: metadata.uid }),
          },
          status,
        },
        { fieldManager, force: true, subresource: 'status' },
      )
      informer.remember(written)
    } catch (error) {
      // Meanwhile it was deleted, or there is another of its name. The watch will show that.
      if (isNotFound(error) || isConflict(error)) return
      throw error
    }
    const refusal = refusalOf(status)
    if (refusal !== undefined && refusalOf(before)?.reason !== refusal.reason) {
      event(found, 'Warning', refusal.reason, refusal.message)
    }
  }

  return {
    current,
    writeStatus: (object, change) => inTurn(object.metadata.uid ?? '', () => writeStatus(object, change)),
    async addFinalizer(object) {
      await changeFinalizers(object, (found) => {
        if (found === undefined || isEnding(found)) {
          throw new OperationError('its object is gone or is being deleted, so nothing is started for it', {
            kind: 'waiting',
            reason: 'ObjectEnding',
            retryAfterMs: lookAgainMs,
          })
        }
        const { finalizers = [] } = found.metadata
        return finalizers.includes(finalizer) ? undefined : [...finalizers, finalizer]
      })
    },
    async removeFinalizer(object) {
      await changeFinalizers(object, (found) => {
        const { finalizers = [] } = found?.metadata ?? {}
        return finalizers.includes(finalizer) ? finalizers.filter((each) => each !== finalizer) : undefined
      })
    },
    event,
  }
}

export function isEnding({ metadata }: KubernetesObject): boolean {
  return metadata.deletionTimestamp !== undefined
}

export function hasFinalizer({ metadata }: KubernetesObject): boolean {
  return metadata.finalizers?.includes(finalizer) === true
}

export function addressOf({ metadata: { namespace, name } }: KubernetesObject) {
  return { name, ...(namespace === undefined ? {} : { namespace }) }
}

/** Reasons that a person has ordered, or that pass by themselves. */
const quietReasons: ReadonlySet<string> = new Set(['Suspended', 'NotReadYet', 'CountingEnds'])

/** Why nothing is done, where a person should know it. */
function refusalOf({ conditions = [] }: ObjectStatus) {
  return conditions.find(
    ({ type, status, reason }) =>
      (type === 'Stalled' && status === 'True') ||
      (type === 'Ready' && status === 'Unknown' && !quietReasons.has(reason)),
  )
}
