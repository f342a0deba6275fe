import { type ExecFileException, execFile } from 'node:child_process'
import { join } from 'node:path'
import Type from 'typebox'
import { parseJSON } from '../../lib/json.ts'
import { Int64 } from '../../wire/volume.ts'
import { ApiError, unprocessable } from '../errors.ts'
import { decode } from '../http/decode.ts'
import type { HostVolumeDefinition } from '../state/records.ts'
import type { HostVolumeFolders, HostVolumePlugin } from './host-volume-plugin.ts'

const fingerprintLimitMs = 5_000
/** How long Nomad waits for a plugin. */
const callLimitMs = 60_000
const longestOutputBytes = 1024 * 1024

const Fingerprint = Type.Object({ version: Type.String() })
const Created = Type.Object({ path: Type.String(), bytes: Int64 })
const Failed = Type.Object({ error: Type.String() })

/** Asks an executable for its version. @throws Error in words */
export async function fingerprint(executable: string): Promise<string> {
  const answer = await call(executable, 'fingerprint', {}, fingerprintLimitMs)
  const { version } = readAnswer(Fingerprint, answer.stdout)
  if (answer.error !== undefined || version === '') throw new Error(explain(answer, 'fingerprint'))
  return version
}

/**
 * A plugin that is an executable, by Nomad's contract: the operation is its argument, what it is about stands in its
 * environment, and it answers with JSON on its standard output.
 */
export function externalPlugin(id: string, folders: HostVolumeFolders, nodeID: string): HostVolumePlugin {
  const executable = join(folders.plugins, id)
  const environmentOf = (
    volumeID: string,
    { namespace, name, nodePool, parameters }: HostVolumeDefinition,
  ) => ({
    DHV_VOLUMES_DIR: folders.volumes,
    DHV_PLUGIN_DIR: folders.plugins,
    DHV_NODE_POOL: nodePool,
    DHV_NODE_ID: nodeID,
    DHV_NAMESPACE: namespace,
    DHV_VOLUME_NAME: name,
    DHV_VOLUME_ID: volumeID,
    DHV_PARAMETERS: JSON.stringify(parameters),
  })
  return {
    async create(volumeID, definition) {
      const environment = {
        ...environmentOf(volumeID, definition),
        DHV_CAPACITY_MIN_BYTES: String(definition.requestedCapacityMinBytes),
        DHV_CAPACITY_MAX_BYTES: String(definition.requestedCapacityMaxBytes),
      }
      const answer = await call(executable, 'create', environment, callLimitMs)
      const { path, bytes } = readAnswer(Created, answer.stdout)
      if (answer.error !== undefined || path === '')
        throw failure(`error creating volume "${volumeID}" with plugin "${id}"`, answer, 'create')
      return { hostPath: path, capacityBytes: bytes }
    },
    async delete(volume) {
      const environment = { ...environmentOf(volume.id, volume), DHV_CREATED_PATH: volume.hostPath }
      const answer = await call(executable, 'delete', environment, callLimitMs)
      if (answer.error !== undefined)
        throw failure(`error deleting volume "${volume.id}" with plugin "${id}"`, answer, 'delete')
    },
  }
}

interface Answer {
  readonly stdout: string
  /** undefined: it ended with status 0. */
  readonly error: ExecFileException | undefined
}

/** The environment holds only what belongs to the call: nothing of the server's own gets to a plugin. */
function call(
  executable: string,
  operation: string,
  environment: Readonly<Record<string, string>>,
  limitMs: number,
): Promise<Answer> {
  return new Promise((resolve) => {
    execFile(
      executable,
      [operation],
      {
        env: { DHV_OPERATION: operation, ...environment },
        timeout: limitMs,
        killSignal: 'SIGKILL',
        maxBuffer: longestOutputBytes,
      },
      (error, stdout) => resolve({ stdout, error: error ?? undefined }),
    )
  })
}

/** What an answer says, as far as it has the shape; empty values where it has not. */
function readAnswer<Schema extends Type.TObject>(schema: Schema, stdout: string): Type.Static<Schema> {
  try {
    return decode(schema, parseJSON(stdout))
  } catch {
    // What is no JSON of this shape says nothing; the caller tells what is missing.
    return decode(schema, {})
  }
}

function failure(what: string, answer: Answer, operation: string): ApiError {
  const text = `${what}: ${explain(answer, operation)}`
  return answer.error?.killed ? new ApiError(504, text) : unprocessable(text)
}

function explain({ error, stdout }: Answer, operation: string): string {
  const said = readAnswer(Failed, stdout).error
  if (error?.killed) return `it did not end in time`
  if (said !== '') return said
  if (error !== undefined)
    return typeof error.code === 'number' ? `it ended with status ${error.code}` : error.message
  return `its answer to ${operation} is no JSON with what it made`
}
