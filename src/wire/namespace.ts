import Type from 'typebox'
import { Int64 } from './volume.ts'

/** A namespace, as Read and List Namespaces answer. */
export const Namespace = Type.Object({
  Name: Type.String(),
  Description: Type.String(),
  Quota: Type.String(),
  Capabilities: Type.Null(),
  Meta: Type.Record(Type.String(), Type.String()),
  CreateIndex: Int64,
  ModifyIndex: Int64,
})
export type Namespace = Type.Static<typeof Namespace>
