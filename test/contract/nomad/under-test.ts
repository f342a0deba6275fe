import { OperationError } from '../../../src/lib/errors.ts'
import type { NomadObserver } from '../../../src/nomad/observer.ts'
import type { CSIVolumesApi } from '../../../src/nomad/ports.ts'
import type { Plugin } from '../../../src/wire/plugin.ts'
import type { Snapshot } from '../../../src/wire/snapshot.ts'
import type {
  AllocationStub,
  ExternalVolume,
  Volume,
  VolumeRequest,
  VolumeStub,
} from '../../../src/wire/volume.ts'

/** Reads that are as fresh as the last write that was answered. */
export interface FreshReads {
  volume(namespace: string, volumeID: string): Promise<Volume | undefined>
  list(namespace: string): Promise<readonly VolumeStub[]>
  plugin(pluginID: string): Promise<Plugin | undefined>
  externalVolumes(): Promise<ReadonlyMap<string, ExternalVolume>>
  snapshots(): Promise<ReadonlyMap<string, Snapshot>>
  allocations(namespace: string): Promise<ReadonlyMap<string, AllocationStub>>
  namespaceExists(namespace: string): Promise<boolean>
  /** Waits for another index than this one. Absent where nothing blocks. @returns the index after it */
  changeAfter?(index: bigint, waitMs: number): Promise<bigint>
}

/**
 * Where one implementation answers otherwise than the others, on purpose or by what it is. Each is a branch of a row, so that
 * it is tried, too.
 */
export interface Habits {
  /** An equal definition is refused, 409, as Nomad's documentation says (docs/volumes-api.md, registration). */
  readonly refusesEqualDefinitions: boolean
  /** Detach fails before it does anything (nomad: Unknown allocation). */
  readonly detachIsBroken: boolean
  /** A node keeps a claim, so Detach is refused. Where it is false, a detach of a living claim is left out. */
  readonly refusesDetachOfLiving: boolean
  /** A delete reaches the plugin before anybody looks for claims. */
  readonly deletesBeforeItChecks: boolean
  /** The namespace is looked at before the plugin is called, so that nothing is left behind. */
  readonly checksNamespaceFirst: boolean
  /** A register without an external ID asks the plugin for the volume of no ID. */
  readonly asksForNoID: boolean
  /** No delete destroys what another ID names, too. */
  readonly guardsSharedVolumes: boolean
  /** The plugin is asked whether an external volume to register is there. */
  readonly validatesRegister: boolean
}

/** What a row may need, and not everything has. */
export type Feature = 'namespaces' | 'lost answers' | 'blocking' | 'plugin away' | 'claims' | 'watching'

/** Why a feature is missing, by feature. */
export type Lacks = Partial<Record<Feature, string>>

export interface Claim {
  readonly nodeID: string
  /** The allocation ends, and Nomad has freed its claim. */
  end(): Promise<void>
}

/** One implementation of Nomad's Volumes API with a plugin, a real one or a double. */
export interface NomadUnderTest {
  readonly pluginID: string
  readonly api: CSIVolumesApi
  readonly reads: FreshReads
  readonly habits: Habits
  /** An allocation claims a volume of namespace `default` and runs. */
  claim(volumeID: string): Promise<Claim>
  addNamespace(name: string): Promise<void>
  /** The next request arrives and is carried out, and nobody hears the answer. */
  loseNextAnswer(): void
  /** The next request does not arrive. */
  cutNextRequest(): void
  /** Makes the plugin unreachable, and Nomad aware of it. @returns brings it back */
  takePluginAway(): Promise<() => Promise<void>>
  /** An observer of its own, which watches until it is closed. Absent where nothing is watched. */
  observe?(): NomadObserver
  close(): Promise<void>
}

/** One sentence of the contract. */
export interface ContractRow {
  readonly title: string
  readonly needs?: readonly Feature[]
  /** @param id of the volume, of its own for each row */
  run(nomad: NomadUnderTest, id: string): Promise<void>
}

export const mebibyte = 1_048_576

/** A bound for a hang, never a measure. */
export const patienceMs = 120_000

/** A definition of a volume with a name of its own. */
export function definition(
  { pluginID }: NomadUnderTest,
  id: string,
  fields: Partial<VolumeRequest> = {},
): VolumeRequest & { Namespace: string } {
  return {
    ID: id,
    Namespace: 'default',
    Name: `name-of-${id}`,
    PluginID: pluginID,
    RequestedCapacityMin: mebibyte,
    RequestedCapabilities: [{ AccessMode: 'single-node-writer', AttachmentMode: 'file-system' }],
    ...fields,
  } as VolumeRequest & { Namespace: string } // `Namespace` is given above.
}

/** Creates the volume. @returns as Nomad has it then */
export async function created(
  nomad: NomadUnderTest,
  id: string,
  fields: Partial<VolumeRequest> = {},
): Promise<Volume> {
  const request = definition(nomad, id, fields)
  await nomad.api.createVolume(request)
  return found(nomad, id, request.Namespace)
}

/** @throws Error where Nomad has no such volume */
export async function found(nomad: NomadUnderTest, id: string, namespace = 'default'): Promise<Volume> {
  const volume = await nomad.reads.volume(namespace, id)
  if (volume === undefined) throw new Error(`there is no volume "${id}"`)
  return volume
}

/** How a call ends: `done`, or the kind and the reason of its error, as the client classifies it. */
export async function endOf(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'done'
  } catch (error) {
    if (!(error instanceof OperationError)) throw error
    return `${error.kind} ${error.reason}`
  }
}
