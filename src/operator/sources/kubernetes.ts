import type { KubernetesApi, KubernetesObject, Resource } from '../../kube/api.ts'
import type { Informer } from '../../kube/informer.ts'
import { customResourceDefinitions, namespaces } from '../../kube/resources.ts'
import type { Clock } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { NamespaceMapping } from '../declare/namespace-mapping.ts'
import type { Doubt } from '../desired/evidence.ts'
import { annotations, isConfirmed, isDestructive, type OrderedEnd } from '../desired/object-ends.ts'
import {
  clusterOf,
  kubernetesSourceName,
  type ObjectView,
  relevantState,
  viewObject,
} from '../kubernetes/object-view.ts'
import type { Source, SourceContent } from './source.ts'

/** The kinds that declare something, each with the informer of its objects. */
export type DeclaredObjects = readonly { readonly resource: Resource; readonly informer: Informer }[]

export interface KubernetesSource extends Source {
  /** All objects of this cluster from the last reading, and whether that was complete. */
  objects(): { readonly views: readonly ObjectView[]; readonly complete: boolean }
}

/** What counts while some objects are not listed or not watched. */
const unlisted: Doubt = {
  file: '',
  problem: {
    place: { source: kubernetesSourceName, file: '', document: 0, line: 0, column: 0 },
    field: '',
    message: 'has objects that could not be read: see the log',
  },
}

/** Changes within this time become one call of the listener. */
const collectMs = 50

/**
 * The Kubernetes objects for one Nomad cluster. An object that cannot be used affects only what it declared itself. Everything
 * is in doubt until all objects of every kind are listed and watched.
 */
export function createKubernetesSource(options: {
  readonly objects: DeclaredObjects
  readonly api: Pick<KubernetesApi, 'get'>
  /** The name of a NomadCluster; undefined for the objects that name none. */
  readonly cluster: string | undefined
  readonly mapping: NamespaceMapping
  readonly clock: Clock
}): KubernetesSource {
  const { objects, cluster, mapping, clock } = options
  const readBefore = new WeakMap<KubernetesObject, ObjectView>()
  const whatGoes = createWhatGoes(options.api)
  let views: readonly ObjectView[] = []
  let isComplete = false
  let endingSince: ReadonlyMap<string | undefined, number> = new Map()
  let seen: ReadonlyMap<string, string> = new Map()
  const stops: (() => void)[] = []

  function view(object: KubernetesObject): ObjectView {
    const before = readBefore.get(object)
    if (before !== undefined) return before
    const fresh = viewObject(object, mapping)
    readBefore.set(object, fresh)
    return fresh
  }

  async function endOf(
    { object, place, declaration }: ObjectView,
    resource: Resource,
    signal?: AbortSignal,
  ): Promise<OrderedEnd> {
    const given = object.metadata.annotations ?? {}
    const confirmation = given[annotations.confirmDelete]
    const nowMs = clock.monotonicMs()
    const end = {
      place,
      ageMs: nowMs - (endingSince.get(object.metadata.uid) ?? nowMs),
      ...(declaration === undefined ? {} : { declaration }),
      deletedAt: object.metadata.deletionTimestamp ?? '',
      ...(confirmation === undefined ? {} : { confirmation }),
      isReleased: given[annotations.release] === 'retain',
    }
    if (isConfirmed(end) || end.isReleased || declaration === undefined || !isDestructive(declaration))
      return end
    const goesWith = await whatGoes.with(object, resource, signal)
    return goesWith === undefined ? end : { ...end, goesWith }
  }

  return {
    name: kubernetesSourceName,
    objects: () => ({ views, complete: isComplete }),
    async read(signal) {
      const states = objects.map(({ informer }) => informer.state())
      const complete = states.every((state) => state.complete)
      const found = objects.flatMap(({ resource, informer }) =>
        informer
          .list()
          .filter((object) => clusterOf(object) === cluster)
          .map((object) => ({ resource, ...view(object) })),
      )
      const [ending, live] = [found.filter(isEnding), found.filter((each) => !isEnding(each))]
      whatGoes.forgetAllBut(ending.map(({ object }) => object))
      endingSince = new Map(
        ending.map(({ object: { metadata } }) => [
          metadata.uid,
          endingSince.get(metadata.uid) ?? clock.monotonicMs(),
        ]),
      )
      const ends = await Promise.all(ending.map((each) => endOf(each, each.resource, signal)))
      views = found
      isComplete = complete
      seen = new Map(found.map(({ object, place }) => [place.file, relevantState(object)]))
      return {
        declarations: live.flatMap(({ declaration, shownSnapshot }) =>
          declaration === undefined || shownSnapshot !== undefined ? [] : [declaration],
        ),
        problems: found.flatMap(({ problems }) => problems),
        warnings: [],
        evidence: {
          monotonicMs: clock.monotonicMs(),
          files: new Map(),
          doubts: complete ? [] : [unlisted],
          listing: { type: 'objects' },
        },
        readAtMs: complete ? clock.now() : Math.min(...states.map(({ asOfMs }) => asOfMs ?? 0)),
        skipped: 0,
        ends,
        unusable: new Set(
          found.flatMap(({ declaration, place }) => (declaration === undefined ? [place.file] : [])),
        ),
      } satisfies SourceContent
    },
    onChange(listener) {
      let cancel: (() => void) | undefined
      const soon = () => {
        cancel ??= clock.after(collectMs, () => {
          cancel = undefined
          listener()
        })
      }
      const ends = objects.flatMap(({ resource, informer }) => [
        informer.onChange(({ namespace = '', name }) => {
          const object = informer.get(namespace, name)
          const mine = object !== undefined && clusterOf(object) === cluster
          // Most events show what Mooring wrote itself: a status or a finalizer.
          if (
            (mine ? relevantState(object) : undefined) !== seen.get(`${resource.kind} ${namespace}/${name}`)
          )
            soon()
        }),
        informer.onState(soon),
      ])
      const stop = () => {
        cancel?.()
        for (const end of ends) end()
      }
      stops.push(stop)
      return stop
    },
    async close() {
      for (const stop of stops) stop()
    },
  }
}

function isEnding({ object }: ObjectView): boolean {
  return object.metadata.deletionTimestamp !== undefined
}

/**
 * Finds out whether an object is deleted together with something larger, such as its namespace. That is marked for deletion
 * before its objects are, so the first look at an object decides.
 */
function createWhatGoes(api: Pick<KubernetesApi, 'get'>) {
  let known: ReadonlyMap<string | undefined, string | undefined> = new Map()
  return {
    forgetAllBut(objects: readonly KubernetesObject[]) {
      const uids = new Set(objects.map(({ metadata }) => metadata.uid))
      known = new Map([...known].filter(([uid]) => uids.has(uid)))
    },
    async with(
      object: KubernetesObject,
      resource: Resource,
      signal?: AbortSignal,
    ): Promise<string | undefined> {
      const { uid, namespace = '' } = object.metadata
      if (known.has(uid)) return known.get(uid)
      try {
        const [home, definition] = await Promise.all([
          api.get(namespaces, { name: namespace }, signal),
          api.get(customResourceDefinitions, { name: `${resource.plural}.${resource.group}` }, signal),
        ])
        const isGoing = (found: KubernetesObject | undefined) =>
          found?.metadata.deletionTimestamp !== undefined
        const goesWith = isGoing(home)
          ? `namespace "${namespace}"`
          : isGoing(definition)
            ? `the kind ${resource.kind} itself`
            : undefined
        known = new Map([...known, [uid, goesWith]])
        return goesWith
      } catch (error) {
        return `something unknown, because the API server could not be asked (${errorMessage(error)})`
      }
    },
  }
}
