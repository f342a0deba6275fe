import type { IncomingHttpHeaders } from 'node:http'
import type { Clock } from '../../lib/clock.ts'
import { errorMessage } from '../../lib/errors.ts'
import { watchFiles } from '../../lib/file-value.ts'
import type { Log } from '../../lib/log.ts'
import { ApiError } from '../errors.ts'
import { type Access, createAccess, fullAccess } from './access.ts'
import { type AclFile, hashSecret, readAclFile } from './acl-file.ts'

/** In Nomad's words. It is the same for every fault of a token, so no client learns which tokens exist. */
export const permissionDenied = () => new ApiError(403, 'Permission denied')

export interface Acl {
  /**
   * What the token of a request may do, from now on: each question to it looks at the file and the clock again.
   * @throws ApiError 403 where the token is not known or has ended; so do its questions
   */
  accessOf(headers: IncomingHttpHeaders): Access
  close(): void
}

/** Everybody may do everything. */
export const noAcl: Acl = { accessOf: () => fullAccess, close: () => {} }

interface Grant {
  readonly access: Access
  readonly expiresMs: number
}

/**
 * The ACL of a file, read again when it changes. When a change is not valid, the log says so and
 * the old rules stay: a mistake lets nobody in and locks nobody out.
 * @throws UsageError where the file is not valid now
 */
export function openAcl(path: string, clock: Clock, log: Log): Acl {
  let grants: ReadonlyMap<string, Grant>
  const unwatch = watchFiles([path], clock, () => {
    try {
      grants = compileGrants(readAclFile(path))
      log.info({ file: path }, 'ACL read again')
    } catch (error) {
      log.error({ reason: errorMessage(error) }, 'ACL goes on as it was')
    }
  })
  try {
    grants = compileGrants(readAclFile(path))
  } catch (error) {
    unwatch()
    throw error
  }
  return {
    accessOf(headers) {
      const secret = secretOf(headers)
      const key = secret === undefined ? anonymous : hashSecret(secret)
      const current = () => {
        const grant = grants.get(key)
        if (grant === undefined || grant.expiresMs <= clock.now()) throw permissionDenied()
        return grant.access
      }
      current()
      return {
        allows: (...question) => current().allows(...question),
        seesNamespace: (namespace) => current().seesNamespace(namespace),
        allowsPlugin: (level) => current().allowsPlugin(level),
        allowsNodeRead: () => current().allowsNodeRead(),
        allowsAgentRead: () => current().allowsAgentRead(),
        isManagement: () => current().isManagement(),
      }
    },
    close: unwatch,
  }
}

/** Name of the policy for requests without a token; no hash of a secret looks like it. */
const anonymous = 'anonymous'

function compileGrants({ policies, tokens }: AclFile): ReadonlyMap<string, Grant> {
  const named = (names: readonly string[]) =>
    createAccess(names.flatMap((name) => (Object.hasOwn(policies, name) ? [policies[name] ?? {}] : [])))
  return new Map([
    [anonymous, { access: named([anonymous]), expiresMs: Number.POSITIVE_INFINITY }],
    ...tokens.map((token): [string, Grant] => [
      token.secretHash,
      {
        access: token.type === 'management' ? fullAccess : named(token.policies ?? []),
        expiresMs:
          token.expirationTime === undefined ? Number.POSITIVE_INFINITY : Date.parse(token.expirationTime),
      },
    ]),
  ])
}

/** X-Nomad-Token before Authorization: Bearer, as Nomad; an empty one is none. */
function secretOf(headers: IncomingHttpHeaders): string | undefined {
  const token = String(headers['x-nomad-token'] ?? '').trim()
  if (token !== '') return token
  const [, bearer] = /^bearer\s+(\S.*)$/i.exec(headers.authorization?.trim() ?? '') ?? []
  return bearer
}
