import { randomUUID } from 'node:crypto'
import { UsageError } from '../../lib/errors.ts'
import { hashSecret, type Token, updateAclFile } from './acl-file.ts'

/** What a new token may do, and for how long. */
export interface TokenRequest {
  readonly aclFile: string
  readonly name: string
  /** Names of policies of the file. */
  readonly policies: readonly string[]
  /** It may do everything, and takes no policies. */
  readonly isManagement: boolean
  /** Absent: the token lasts for ever. */
  readonly ttlMs?: number
}

/**
 * Adds a token to the ACL file, which is made if it is not there.
 * @returns the secret, which is stored nowhere: the file holds its hash
 * @throws UsageError where the file has no such policy, or the request gives neither policies nor management, or both
 */
export function createToken(
  { aclFile, name, policies, isManagement, ttlMs }: TokenRequest,
  nowMs: number,
): { readonly accessorID: string; readonly secret: string } {
  if (isManagement === policies.length > 0) {
    throw new UsageError('the token would have no rights: give --policy, once or more, or --management')
  }
  const secret = randomUUID()
  const token: Token = {
    accessorID: randomUUID(),
    name,
    ...(isManagement ? { type: 'management' } : { type: 'client', policies: [...policies] }),
    secretHash: hashSecret(secret),
    createTime: new Date(nowMs).toISOString(),
    ...(ttlMs !== undefined && { expirationTime: new Date(nowMs + ttlMs).toISOString() }),
  }
  updateAclFile(aclFile, (file) => {
    const unknown = policies.find((wanted) => !Object.hasOwn(file.policies, wanted))
    if (unknown !== undefined) {
      const known = Object.keys(file.policies).join(', ') || 'none'
      throw new UsageError(
        `${aclFile} has no policy "${unknown}": write one that it has (${known}), or add this one`,
      )
    }
    return { policies: file.policies, tokens: [...file.tokens, token] }
  })
  return { accessorID: token.accessorID, secret }
}
