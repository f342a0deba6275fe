import { fileURLToPath } from 'node:url'
import { loadSync } from '@grpc/proto-loader'
import type { ControllerDefinition } from './generated/csi/v1/Controller.ts'
import type { GroupControllerDefinition } from './generated/csi/v1/GroupController.ts'
import type { IdentityDefinition } from './generated/csi/v1/Identity.ts'
import type { NodeDefinition } from './generated/csi/v1/Node.ts'

/** proto/csi.proto of the package: two levels up from src/csi as well as from dist/csi. */
export const protoPath = fileURLToPath(new URL('../../proto/csi.proto', import.meta.url))

/** The services of the Container Storage Interface, ready for a gRPC client or server. */
export interface CsiContract {
  readonly identity: IdentityDefinition
  readonly controller: ControllerDefinition
  readonly groupController: GroupControllerDefinition
  readonly node: NodeDefinition
}

let contract: CsiContract | undefined

/**
 * Reads proto/csi.proto, once a process. Messages have camelCase fields, defaults filled in, enums as
 * their names, oneofs with the name of the member set, and every int64 as an exact bigint (a bigint or a
 * safe integer going in).
 */
export function loadContract(): CsiContract {
  if (contract !== undefined) return contract
  const definitions = loadSync(protoPath, { longs: BigInt, enums: String, defaults: true, oneofs: true })
  // proto-loader types every entry as the union of what a proto may define; the generated types say more.
  const service = <Definition>(name: string) => definitions[`csi.v1.${name}`] as unknown as Definition
  contract = {
    identity: service<IdentityDefinition>('Identity'),
    controller: service<ControllerDefinition>('Controller'),
    groupController: service<GroupControllerDefinition>('GroupController'),
    node: service<NodeDefinition>('Node'),
  }
  return contract
}

/** What a caller gives to one method. */
export type RequestOf<Method> = Method extends { requestSerialize(request: infer Request): Buffer }
  ? Request
  : never

/** What a caller gets from one method. */
export type ResponseOf<Method> = Method extends { responseDeserialize(bytes: Buffer): infer Response }
  ? Response
  : never

/** The names of a service's methods, without the index signature of its generated definition. */
export type MethodName<Definition> = keyof {
  [Name in keyof Definition as string extends Name ? never : Name]: Definition[Name]
} &
  string

/** What a plugin gets for one method. */
export type ReceivedRequestOf<Method> = Method extends { requestDeserialize(bytes: Buffer): infer Request }
  ? Request
  : never

/** What a plugin gives for one method. */
export type GivenResponseOf<Method> = Method extends { responseSerialize(response: infer Response): Buffer }
  ? Response
  : never
