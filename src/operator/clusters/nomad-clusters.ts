import { isDeepStrictEqual } from 'node:util'
import type { KubernetesObject } from '../../kube/api.ts'
import type { Informer } from '../../kube/informer.ts'
import type { Clock } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { createReadingLoop } from '../../lib/reading-loop.ts'
import { advise } from '../../lib/reasons/explanation.ts'
import { reasons } from '../../lib/reasons/reasons.ts'
import type { NomadConnection } from '../../nomad/connection.ts'
import type { AllowedIDs } from '../declare/allowed-ids.ts'
import { type Fault, formatFieldPath } from '../declare/fault.ts'
import { readNomadCluster } from '../declare/nomad-cluster.ts'
import { annotations } from '../desired/object-ends.ts'
import { clusterOf } from '../kubernetes/object-view.ts'
import { hasFinalizer, isEnding, type ObjectWriter } from '../kubernetes/object-writer.ts'
import { statusOfVerdict } from '../kubernetes/status.ts'
import type { Verdict } from '../plan/status.ts'
import { type Finding, probeCluster, verdictOfFailure } from './probe-cluster.ts'
import { type ReadSecret, readConnection } from './read-connection.ts'

/** The work for one cluster. */
interface ClusterWork {
  /** Whether anything is managed in the cluster. */
  readonly isManaging: () => boolean
  close(): Promise<void>
}

/** What an object says of its cluster, with the values of its Secrets. */
export interface ReadCluster {
  readonly nomad: NomadConnection
  readonly allowedIDs: AllowedIDs
}

interface RunningCluster<Work> {
  readonly uid: string | undefined
  readonly read: ReadCluster
  readonly work: Work
}

export interface NomadClusters<Work> {
  /** By the names of the clusters that are worked for. */
  running(): ReadonlyMap<string, Work>
  close(): Promise<void>
}

/** Clusters are looked at again at least this often. */
const lookAgainMs = 30_000
/** While one waits to end. */
const endPollMs = 1_000

/**
 * Works for each NomadCluster on its own, so that one that is away stalls nothing else. Where the address or the
 * Secrets of a cluster change, it is connected anew.
 * @param options.start begins the work for a cluster
 * @param options.objects what declares volumes, snapshots and schedules
 * @param options.namespace the operator's own, where the Secrets of NomadClusters are
 */
export function startNomadClusters<Work extends ClusterWork>(options: {
  readonly start: (name: string, cluster: ReadCluster) => Promise<Work>
  readonly clusters: Informer
  readonly objects: readonly Informer[]
  readonly writer: ObjectWriter
  readonly namespace: string
  readonly readSecret: ReadSecret
  readonly onSecret: (listener: (namespace: string) => void) => () => void
  readonly clock: Clock
  readonly log: Log
}): NomadClusters<Work> {
  const { start, clusters, objects, writer, namespace, readSecret, clock, log } = options
  const running = new Map<string, RunningCluster<Work>>()

  async function stop(name: string): Promise<void> {
    const found = running.get(name)
    running.delete(name)
    await found?.work.close()
  }

  function isUsed(name: string): boolean {
    return (
      running.get(name)?.work.isManaging() === true ||
      objects.some((informer) => informer.list().some((object) => clusterOf(object) === name))
    )
  }

  /** Works for the cluster as its object says. @returns where it stands */
  async function workFor(object: KubernetesObject): Promise<Finding> {
    const { name, uid } = object.metadata
    const { apiVersion, kind, spec } = object
    const reading = readNomadCluster({ apiVersion, kind, metadata: { name }, spec })
    if ('faults' in reading)
      return { verdict: { state: 'stalled', reason: 'Invalid', message: messageOf(reading.faults) } }
    // Before anything begins in it: whoever uses the cluster needs the object until they are gone.
    if (!isEnding(object)) await writer.addFinalizer(object)
    const read = {
      nomad: await readConnection(reading.spec, namespace, readSecret),
      allowedIDs: { cluster: name, objects: new Map(Object.entries(reading.spec.allowExternalIDs ?? {})) },
    }
    const before = running.get(name)
    if (before !== undefined && (before.uid !== uid || !isDeepStrictEqual(before.read, read))) {
      log.info({ cluster: name }, 'connecting a cluster anew: its object or its Secrets have changed')
      await stop(name)
    }
    if (!running.has(name)) running.set(name, { uid, read, work: await start(name, read) })
    return probeCluster(read.nomad)
  }

  /** @returns undefined: the cluster is gone */
  async function find(object: KubernetesObject): Promise<Finding | undefined> {
    const { name } = object.metadata
    try {
      if (!isEnding(object)) return await workFor(object)
      if (isUsed(name)) {
        const found = await workFor(object)
        const message =
          'objects name it as spec.cluster, or something is managed in it: it goes when the last of them is gone'
        return { ...found, verdict: { state: 'waiting', reason: 'InUse', message } }
      }
      await stop(name)
      await writer.removeFinalizer(object)
      return undefined
    } catch (error) {
      return { verdict: verdictOfFailure(error) }
    }
  }

  async function look(object: KubernetesObject): Promise<void> {
    const finding = await find(object)
    const found = writer.current(object)
    if (finding === undefined || found === undefined) return
    const { generation } = found.metadata
    await writer.writeStatus(found, (before) =>
      statusOfVerdict(finding.verdict, generation, { ...before, ...finding.facts }, clock.now()),
    )
  }

  /** One object that cannot be written keeps no other from being told. */
  async function attempt(object: KubernetesObject, write: () => Promise<void>): Promise<void> {
    try {
      await write()
    } catch (error) {
      const { kind, metadata } = object
      const name = [metadata.namespace ?? [], metadata.name].flat().join('/')
      log.warn({ object: `${kind} ${name}`, error: errorMessage(error) }, 'an object could not be written')
    }
  }

  /** Tells each object that names a cluster for which nobody works. */
  async function tellLost(): Promise<void> {
    for (const object of objects.flatMap((informer) => informer.list())) {
      const cluster = clusterOf(object)
      if (cluster === undefined || running.has(cluster)) continue
      await attempt(object, () => tellOne(object, cluster))
    }
  }

  async function tellOne(object: KubernetesObject, cluster: string): Promise<void> {
    const message = `there is no NomadCluster "${cluster}", or it was never reached. ${advise(reasons.ClusterNotFound.person.look({ cluster }))}`
    const verdict: Verdict = { state: 'stalled', reason: 'ClusterNotFound', message }
    const { generation, annotations: given } = object.metadata
    await writer.writeStatus(object, (before) => statusOfVerdict(verdict, generation, before, clock.now()))
    const isReleased = given?.[annotations.release] === 'retain'
    if (isEnding(object) && isReleased && hasFinalizer(object)) await writer.removeFinalizer(object)
  }

  async function read(): Promise<number> {
    const { hasSynced, complete } = clusters.state()
    if (hasSynced) {
      const found = clusters.list()
      // One that is away holds up no other.
      await Promise.all(found.map((object) => attempt(object, () => look(object))))
      if (complete) {
        const names = new Set(found.map(({ metadata }) => metadata.name))
        for (const name of [...running.keys()]) if (!names.has(name)) await stop(name)
        await tellLost()
      }
    }
    return clusters.list().some(isEnding) ? endPollMs : lookAgainMs
  }

  const loop = createReadingLoop({
    clock,
    read,
    onError: (error) => log.error({ error: errorMessage(error) }, 'NomadClusters could not be looked after'),
  })
  const ends = [
    clusters.onChange(() => loop.read()),
    clusters.onState(() => loop.read()),
    options.onSecret((changedIn) => {
      if (changedIn === namespace) loop.read()
    }),
    ...objects.map((informer) =>
      informer.onChange(({ namespace: inNamespace, name }) => {
        const object = informer.get(inNamespace, name)
        const cluster = object && clusterOf(object)
        if (cluster !== undefined && !running.has(cluster)) loop.read()
      }),
    ),
  ]
  loop.read()

  return {
    running: () => new Map([...running].map(([name, { work }]) => [name, work])),
    async close() {
      for (const end of ends) end()
      await loop.close()
      await Promise.all([...running.keys()].map(stop))
    },
  }
}

function messageOf(faults: readonly Fault[]): string {
  return faults.map(({ path, message }) => `${formatFieldPath(path)} ${message}`).join('; ')
}
