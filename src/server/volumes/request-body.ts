import Type from 'typebox'
import { VolumeRequest } from '../../wire/volume.ts'
import { badRequest } from '../errors.ts'
import type { ApiRequest, BodyReader } from '../http/api.ts'
import { decode, isPlainObject, readBody } from '../http/decode.ts'
import type { StringMap } from '../state/records.ts'

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
/**
 * `{"Segments":{"rack":"R1"}}` as Nomad has it, or `{"rack":"R1"}` as the public page prints it. Answers of Nomad hold
 * nulls among them, and clients send back what they read.
 */
const TopologiesBody = nullable(Type.Array(nullable(Type.Unknown())))

/** One volume of the body of Register and Create. */
export const VolumeBody = Type.Object({
  ...VolumeRequest.properties,
  RequestedTopologies: Type.Optional(
    nullable(
      Type.Object({
        Required: Type.Optional(TopologiesBody),
        Preferred: Type.Optional(TopologiesBody),
      }),
    ),
  ),
  Topologies: Type.Optional(TopologiesBody),
})

/** Body of Register and Create. */
export const VolumesBody = Type.Object({
  Namespace: Type.Optional(Type.String()),
  Volumes: Type.Optional(nullable(Type.Array(VolumeBody))),
})

/** One volume of the body of Register or Create, decoded. A field that the body leaves out is undefined. */
export type VolumeBody = Type.Static<typeof VolumeBody> & { readonly Namespace: string }

/** Reads the body of Register and Create: the volumes, each with its namespace. */
export const volumesReader: BodyReader<readonly VolumeBody[]> = {
  read: readVolumes,
  namespaces: (volumes) => volumes.map(({ Namespace }) => Namespace),
}

/** @throws ApiError 400 also where the path names a volume that is none of the body */
function readVolumes(bytes: Buffer | undefined, request: ApiRequest): VolumeBody[] {
  const { query, params } = request
  const { Namespace: bodyNamespace, Volumes } = readBody(VolumesBody, bytes, request)
  if (Volumes === undefined || Volumes === null || Volumes.length === 0) {
    throw badRequest('missing volume definition')
  }
  const namespace = query.get('namespace') || bodyNamespace || 'default'
  const volumes = Volumes.map((volume) => ({ ...volume, Namespace: volume.Namespace || namespace }))
  const { id } = params
  if (id === '') throw badRequest('missing volume ID')
  if (id !== undefined && !volumes.some(({ ID }) => ID === id)) {
    const ids = volumes.map(({ ID }) => `"${ID}"`).join(', ')
    throw badRequest(`volume ID ${ids} of the body is not the "${id}" of the path`)
  }
  const names = new Set(volumes.map(({ Namespace, ID }) => `${Namespace}/${ID}`))
  if (names.size < volumes.length) throw badRequest('the same volume is defined twice in one request')
  return volumes
}

/** The segments of topologies, nulls left out. @param name for errors @throws ApiError 400 */
export function parseTopologies(
  values: readonly unknown[] | null | undefined,
  name: string,
): readonly StringMap[] {
  return (values ?? []).filter((value) => value !== null).map((value) => parseTopology(value, name))
}

function parseTopology(value: unknown, path: string): StringMap {
  if (!isPlainObject(value)) throw badRequest(`${path}: want an object of topology segments`)
  const segmentsName = Object.keys(value).find((name) => name.toLowerCase() === 'segments')
  const nested = segmentsName === undefined ? undefined : value[segmentsName]
  const segments = typeof nested === 'string' || nested === undefined ? value : nested
  if (!isPlainObject(segments) || Object.keys(segments).length === 0) {
    throw badRequest(`validation: ${path} topology is missing segments field`)
  }
  return decode(Type.Record(Type.String(), Type.String()), segments, path)
}
