import Type from 'typebox'
import { VolumeRequest } from '../../wire/volume.ts'
import { badRequest } from '../errors.ts'
import { decode, isPlainObject, parseBody } from '../http/decode.ts'
import type { StringMap } from '../state/records.ts'

const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
// `{"Segments":{"rack":"R1"}}` as Nomad has it, or `{"rack":"R1"}` as the public page prints it.
const TopologyBody = Type.Unknown()

/** One volume of the body of Register and Create. */
export const VolumeBody = Type.Object({
  ...VolumeRequest.properties,
  RequestedTopologies: Type.Optional(
    nullable(
      Type.Object({
        Required: Type.Optional(nullable(Type.Array(TopologyBody))),
        Preferred: Type.Optional(nullable(Type.Array(TopologyBody))),
      }),
    ),
  ),
  Topologies: Type.Optional(nullable(Type.Array(TopologyBody))),
})

/** Body of Register and Create. */
export const VolumesBody = Type.Object({
  Namespace: Type.Optional(Type.String()),
  Volumes: Type.Optional(nullable(Type.Array(VolumeBody))),
})

/** One volume of the body of Register or Create, decoded; what was not said is undefined. */
export type VolumeBody = Type.Static<typeof VolumeBody>

/**
 * Decodes the body of Register and Create.
 * @param pathID the ID in the path, which every volume of the body has to have; undefined for `/v1/volumes`
 * @returns the volumes, each with its namespace
 * @throws ApiError 400
 */
export function parseVolumesBody(
  body: Buffer | undefined,
  query: URLSearchParams,
  pathID?: string,
): (VolumeBody & { Namespace: string })[] {
  const { Namespace: bodyNamespace, Volumes } = decode(VolumesBody, parseBody(body))
  if (Volumes === undefined || Volumes === null || Volumes.length === 0) {
    throw badRequest('missing volume definition')
  }
  const namespace = query.get('namespace') || bodyNamespace || 'default'
  const volumes = Volumes.map((volume) => ({ ...volume, Namespace: volume.Namespace || namespace }))
  for (const { ID } of volumes) {
    if (pathID !== undefined && ID !== pathID) {
      throw badRequest(`volume ID "${ID}" of the body is not the "${pathID}" of the path`)
    }
  }
  const names = new Set(volumes.map(({ Namespace, ID }) => `${Namespace}/${ID}`))
  if (names.size < volumes.length) throw badRequest('the same volume is defined twice in one request')
  return volumes
}

/** The segments of one topology. @throws ApiError 400 */
export function parseTopology(value: unknown, path: string): StringMap {
  if (!isPlainObject(value)) throw badRequest(`${path}: want an object of topology segments`)
  const segmentsName = Object.keys(value).find((name) => name.toLowerCase() === 'segments')
  const nested = segmentsName === undefined ? undefined : value[segmentsName]
  const segments = typeof nested === 'string' || nested === undefined ? value : nested
  if (!isPlainObject(segments) || Object.keys(segments).length === 0) {
    throw badRequest(`validation: ${path} topology is missing segments field`)
  }
  return decode(Type.Record(Type.String(), Type.String()), segments, path)
}
