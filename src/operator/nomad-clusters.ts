import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import type { KubernetesObject } from '../kube/api.ts'
import { systemClock } from '../lib/clock.ts'
import { errorMessage, OperationError, toOperationError } from '../lib/errors.ts'
import { createReadingLoop } from '../lib/reading-loop.ts'
import { shellCommand } from '../lib/shell-command.ts'
import type { NomadClient } from '../nomad/client.ts'
import { connectNomad, type NomadConnection } from '../nomad/connection.ts'
import type { ClusterAdmins } from './admin/merge-status.ts'
import { type Fault, formatFieldPath } from './declare/fault.ts'
import { type NomadClusterSpec, readNomadCluster } from './declare/nomad-cluster.ts'
import type { NomadClusterStatus } from './declare/object-status.ts'
import { annotations } from './desired/object-ends.ts'
import { createConfigMapRecords } from './inventory/config-map-records.ts'
import { openStoredInventory } from './inventory/stored-inventory.ts'
import { clusterOf } from './kubernetes/object-view.ts'
import { hasFinalizer, isEnding } from './kubernetes/object-writer.ts'
import { statusOfVerdict } from './kubernetes/status.ts'
import type { Kubernetes } from './kubernetes.ts'
import {
  composeOperator,
  type OperatorSettings,
  type OperatorTerm,
  type RunningOperator,
} from './operator.ts'
import type { Verdict } from './plan/status.ts'
import { guardEffects } from './replicas/guard-effects.ts'
import type { SharedStateFlags } from './settings.ts'
import type { Operations } from './telemetry.ts'

/** A NomadCluster that is worked for. */
interface RunningCluster {
  readonly uid: string | undefined
  readonly connection: NomadConnection
  readonly operator: RunningOperator
  /** Whether anything is managed in it. */
  readonly isManaging: () => boolean
}

export interface NomadClusters {
  /** By the names of those that are worked for. */
  admins(): ClusterAdmins
  close(graceMs?: number): Promise<void>
}

/** Where a cluster stands, and what it said of itself. */
interface Finding {
  readonly verdict: Verdict
  readonly facts?: Pick<NomadClusterStatus, 'region' | 'version'>
}

/** Clusters are looked at again at least this often. */
const lookAgainMs = 30_000
/** While one waits to end. */
const endPollMs = 1_000

/**
 * Works for each NomadCluster by an operator of its own, with a client, limits and an inventory of its own, so
 * that one that is away stalls only its own. A cluster whose address or Secrets change is connected anew.
 */
export function startNomadClusters(
  kubernetes: Kubernetes,
  options: OperatorSettings & Pick<SharedStateFlags, 'instance'>,
  term: OperatorTerm & { readonly giveUp: (why: string) => void },
  operations: Operations,
): NomadClusters {
  const { log } = options
  const { nomadClusters, objects, operatorNamespace, readSecret } = kubernetes
  const writer = kubernetes.writer(term.mayAct)
  const running = new Map<string, RunningCluster>()

  async function start(object: KubernetesObject, connection: NomadConnection): Promise<RunningCluster> {
    const { name, uid } = object.metadata
    const store = createConfigMapRecords({
      api: kubernetes.connection.api,
      namespace: operatorNamespace,
      instance: instanceOf(options.instance, name),
    })
    const hashKey = await kubernetes.hashKey(options.instance)
    const inventory = await openStoredInventory(guardEffects(store, term.mayAct), term.giveUp, hashKey)
    const operator = await composeOperator(
      {
        ...commonSettings(options),
        ...connection,
        source: [],
        cluster: name,
        log: log.child({ cluster: name }),
      },
      inventory,
      term,
      kubernetes.part(name, term.mayAct),
      operations,
    )
    return { uid, connection, operator, isManaging: () => inventory.list().length > 0 }
  }

  async function stop(name: string, graceMs?: number): Promise<void> {
    const found = running.get(name)
    running.delete(name)
    await found?.operator.close(graceMs)
  }

  function isUsed(name: string): boolean {
    return (
      running.get(name)?.isManaging() === true ||
      objects.some(({ informer }) => informer.list().some((object) => clusterOf(object) === name))
    )
  }

  /** Makes the cluster be worked for as its object says. @returns where it stands */
  async function keep(object: KubernetesObject): Promise<Finding> {
    const { name, uid } = object.metadata
    const { apiVersion, kind, spec } = object
    const reading = readNomadCluster({ apiVersion, kind, metadata: { name }, spec })
    if ('faults' in reading)
      return { verdict: { state: 'stalled', reason: 'Invalid', message: describe(reading.faults) } }
    // Before anything is begun in it: whoever uses it has to find it until they are gone.
    if (!isEnding(object)) await writer.addFinalizer(object)
    const connection = await connectionOf(reading.spec, operatorNamespace, readSecret)
    const before = running.get(name)
    if (before !== undefined && (before.uid !== uid || !isDeepStrictEqual(before.connection, connection))) {
      log.info({ cluster: name }, 'connecting a cluster anew: its address or its Secrets have changed')
      await stop(name)
    }
    if (!running.has(name)) running.set(name, await start(object, connection))
    return probe(connection)
  }

  async function find(object: KubernetesObject): Promise<Finding | undefined> {
    const { name } = object.metadata
    try {
      if (!isEnding(object)) return await keep(object)
      if (isUsed(name)) {
        const found = await keep(object)
        const message = 'objects name it as spec.cluster, or are managed in it: it goes when the last is gone'
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
      statusOfVerdict(finding.verdict, generation, { ...before, ...finding.facts }, systemClock.now()),
    )
  }

  /** Tells an object that names a cluster which nobody works for. */
  async function tellLost(object: KubernetesObject, cluster: string): Promise<void> {
    const message = `there is no NomadCluster "${cluster}", or it was never reached: see ${shellCommand('kubectl', 'describe', 'nomadcluster', cluster)}`
    const verdict: Verdict = { state: 'stalled', reason: 'ClusterNotFound', message }
    const { generation, annotations: given } = object.metadata
    await writer.writeStatus(object, (before) =>
      statusOfVerdict(verdict, generation, before, systemClock.now()),
    )
    const isReleased = given?.[annotations.release] === 'retain'
    if (isEnding(object) && isReleased && hasFinalizer(object)) await writer.removeFinalizer(object)
  }

  async function read(): Promise<number> {
    if (nomadClusters.informer.state().hasSynced) {
      const clusters = nomadClusters.informer.list()
      // One that is away holds up no other.
      await Promise.all(clusters.map(look))
      if (nomadClusters.informer.state().complete) {
        const names = new Set(clusters.map(({ metadata }) => metadata.name))
        for (const name of [...running.keys()]) if (!names.has(name)) await stop(name)
        for (const object of objects.flatMap(({ informer }) => informer.list())) {
          const cluster = clusterOf(object)
          if (cluster !== undefined && !running.has(cluster)) await tellLost(object, cluster)
        }
      }
    }
    const isWaiting = nomadClusters.informer.list().some(isEnding)
    return systemClock.now() + (isWaiting ? endPollMs : lookAgainMs)
  }

  const loop = createReadingLoop({
    clock: systemClock,
    read,
    onError: (error) => log.error({ error: errorMessage(error) }, 'NomadClusters could not be looked after'),
  })
  const stops = [
    nomadClusters.informer.onChange(() => loop.read()),
    nomadClusters.informer.onState(() => loop.read()),
    kubernetes.onSecret((namespace) => {
      if (namespace === operatorNamespace) loop.read()
    }),
    ...objects.map(({ informer }) =>
      informer.onChange(({ namespace, name }) => {
        const object = informer.get(namespace, name)
        const cluster = object && clusterOf(object)
        if (cluster !== undefined && !running.has(cluster)) loop.read()
      }),
    ),
  ]
  loop.read()

  return {
    admins: () => new Map([...running].map(([name, { operator }]) => [name, operator.admin])),
    async close(graceMs) {
      for (const end of stops) end()
      await loop.close()
      await Promise.all([...running.keys()].map((name) => stop(name, graceMs)))
    },
  }
}

/** A label's value and a part of names, whatever the cluster's name is. */
function instanceOf(instance: string, cluster: string): string {
  return `${instance}-${createHash('sha256').update(cluster).digest('hex').slice(0, 10)}`
}

function describe(faults: readonly Fault[]): string {
  return faults.map(({ path, message }) => `${formatFieldPath(path)} ${message}`).join('; ')
}

/** What all operators of a process share: neither the NOMAD_* settings nor the sources beside the objects. */
function commonSettings(options: OperatorSettings): Omit<OperatorSettings, keyof NomadConnection> {
  const { dataDir, readOnly, settledBeforeMs, log, logLevel } = options
  const { prune, pruneDelay, maxPrune, allowEmpty, rescan, resync, gitPoll } = options
  return {
    ...{ dataDir, readOnly, settledBeforeMs, log, logLevel },
    ...{ prune, pruneDelay, allowEmpty, rescan, resync, gitPoll },
    ...(maxPrune === undefined ? {} : { maxPrune }),
    source: [],
  }
}

async function connectionOf(
  spec: NomadClusterSpec,
  namespace: string,
  readSecret: Kubernetes['readSecret'],
): Promise<NomadConnection> {
  const read = async (field: string, { name, key }: { readonly name: string; readonly key: string }) => {
    const value = await readSecret(namespace, name, key)
    if (value !== undefined) return value
    throw new OperationError(
      `spec.${field}: Secret "${name}" in namespace "${namespace}" is not there, or has no key "${key}"`,
      { kind: 'waiting', reason: 'SecretNotFound' },
    )
  }
  const { address, region, tlsServerName, token, caCert, clientCertificate: pair } = spec
  const texts = {
    ...(caCert === undefined ? {} : { ca: await read('caCert', caCert) }),
    ...(pair === undefined
      ? {}
      : {
          cert: await read('clientCertificate', { name: pair.name, key: 'tls.crt' }),
          key: await read('clientCertificate', { name: pair.name, key: 'tls.key' }),
        }),
  }
  return {
    nomadAddr: address,
    ...(region === undefined ? {} : { nomadRegion: region }),
    ...(token === undefined ? {} : { nomadToken: (await read('token', token)).trim() }),
    ...(tlsServerName === undefined ? {} : { nomadTlsServerName: tlsServerName }),
    nomadTlsTexts: texts,
  }
}

/** Asks what every pass needs. */
async function probe(connection: NomadConnection): Promise<Finding> {
  const client = connectNomad(connection)
  try {
    await client.listPlugins()
    return {
      verdict: { state: 'ready', reason: 'Reached', message: 'its API answers' },
      facts: await factsOf(client, connection),
    }
  } catch (error) {
    return { verdict: verdictOfFailure(error) }
  } finally {
    await client.close()
  }
}

async function factsOf(
  client: NomadClient,
  { nomadRegion }: NomadConnection,
): Promise<Pick<NomadClusterStatus, 'region' | 'version'>> {
  const asked = nomadRegion === undefined ? {} : { region: nomadRegion }
  try {
    const { region: own, servers } = await client.listServers()
    const region = nomadRegion ?? own
    const versions = servers.filter((server) => server.region === region).map(({ version }) => version)
    const version = [...new Set(versions)].sort().join(', ')
    return { ...asked, ...(region && { region }), ...(version && { version }) }
  } catch {
    // Nothing depends on it, and the token need not be allowed to ask.
    return asked
  }
}

function verdictOfFailure(error: unknown): Verdict {
  const { kind, reason, message } = toOperationError(error)
  return { state: kind === 'permanent' ? 'stalled' : 'waiting', reason, message }
}
