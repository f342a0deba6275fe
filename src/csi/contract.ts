import { loadSync } from '@grpc/proto-loader'
import { withPackagedFile } from '../lib/packaged-files.ts'
import type { ControllerDefinition } from './generated/csi/v1/Controller.ts'
import type { GroupControllerDefinition } from './generated/csi/v1/GroupController.ts'
import type { IdentityDefinition } from './generated/csi/v1/Identity.ts'
import type { NodeDefinition } from './generated/csi/v1/Node.ts'

/** The proto file of the package. */
export const protoFile = 'proto/csi.proto'

/** The services of the Container Storage Interface, ready for a gRPC client or server. */
export interface CsiContract {
  readonly identity: IdentityDefinition
  readonly controller: ControllerDefinition
  readonly groupController: GroupControllerDefinition
  readonly node: NodeDefinition
}

let contract: CsiContract | undefined

/**
 * Reads proto/csi.proto, once per process. Messages have camelCase fields with defaults filled in, enums as names, and
 * oneofs as the name of the member that is set. Every int64 that comes out is a bigint; going in it may also be a safe
 * integer.
 */
export function loadContract(): CsiContract {
  if (contract !== undefined) return contract
  const definitions = withPackagedFile(protoFile, (path) =>
    loadSync(path, { longs: BigInt, enums: String, defaults: true, oneofs: true }),
  )
  // proto-loader gives every entry the same type. The generated types are exact.
  const service = <Definition>(name: string) => definitions[`csi.v1.${name}`] as unknown as Definition
  contract = {
    identity: service<IdentityDefinition>('Identity'),
    controller: service<ControllerDefinition>('Controller'),
    groupController: service<GroupControllerDefinition>('GroupController'),
    node: service<NodeDefinition>('Node'),
  }
  return contract
}

/** The request that a caller passes to one method. */
export type RequestOf<Method> = Method extends { requestSerialize(request: infer Request): Buffer }
  ? Request
  : never

/** The response that a caller gets from one method. */
export type ResponseOf<Method> = Method extends { responseDeserialize(bytes: Buffer): infer Response }
  ? Response
  : never

/** The names of a service's methods. The generated definition also has an index signature, which is left out. */
export type MethodName<Definition> = keyof {
  [Name in keyof Definition as string extends Name ? never : Name]: Definition[Name]
} &
  string

/** The request that a plugin receives for one method. */
export type ReceivedRequestOf<Method> = Method extends { requestDeserialize(bytes: Buffer): infer Request }
  ? Request
  : never

/** The response that a plugin returns for one method. */
export type GivenResponseOf<Method> = Method extends { responseSerialize(response: infer Response): Buffer }
  ? Response
  : never
