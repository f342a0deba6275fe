import Type from 'typebox'
import { Int64 } from './volume.ts'

const StringMap = Type.Record(Type.String(), Type.String())
const nullable = <T extends Type.TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const names = Type.Optional(nullable(Type.Array(Type.String())))
const allowed = { Default: Type.Optional(Type.String()), Allowed: names, Denied: names }

/** What a namespace says of the jobs in it. */
const jobSettings = {
  Capabilities: nullable(
    Type.Object({
      EnabledTaskDrivers: names,
      DisabledTaskDrivers: names,
      EnabledNetworkModes: names,
      DisabledNetworkModes: names,
    }),
  ),
  NodePoolConfiguration: nullable(Type.Object(allowed)),
  VaultConfiguration: nullable(Type.Object(allowed)),
  ConsulConfiguration: nullable(Type.Object(allowed)),
  RequiredExtraClaims: nullable(StringMap),
  OptionalExtraClaims: nullable(StringMap),
}
export const NamespaceJobSettings = Type.Object(jobSettings)
export type NamespaceJobSettings = Type.Static<typeof NamespaceJobSettings>

/** A namespace, as Read and List Namespaces answer. */
export const Namespace = Type.Object({
  Name: Type.String(),
  Description: Type.String(),
  /** Of Nomad Enterprise. */
  Quota: Type.String(),
  ...jobSettings,
  Meta: StringMap,
  CreateIndex: Int64,
  ModifyIndex: Int64,
})
export type Namespace = Type.Static<typeof Namespace>
