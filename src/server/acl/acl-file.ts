import { createHash } from 'node:crypto'
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import Type from 'typebox'
import { Compile } from 'typebox/compile'
import { errorCode, errorMessage, UsageError } from '../../lib/errors.ts'
import { Policy } from './policy.ts'

const strict = { additionalProperties: false } as const
// RFC 3339, so that no locale decides when a token ends.
const Time = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$',
})

const Token = Type.Object(
  {
    /** Names the token; no secret. */
    accessorID: Type.String({ minLength: 1 }),
    name: Type.Optional(Type.String()),
    /** A management token may do everything. */
    type: Type.Union([Type.Literal('client'), Type.Literal('management')]),
    policies: Type.Optional(Type.Array(Type.String())),
    /** `sha256:` and the hash in hexadecimal: the secret itself is told once, to whom it is made for. */
    secretHash: Type.String({ pattern: '^sha256:[0-9a-f]{64}$' }),
    createTime: Type.Optional(Time),
    /** From then on the token is unknown. Not given: it lasts. */
    expirationTime: Type.Optional(Time),
  },
  strict,
)
export type Token = Type.Static<typeof Token>

/** The file that says who may do what. The policy `anonymous` is for requests without a token. */
const AclFile = Type.Object(
  {
    policies: Type.Optional(Type.Record(Type.String(), Policy)),
    tokens: Type.Optional(Type.Array(Token)),
  },
  strict,
)
export interface AclFile {
  readonly policies: Readonly<Record<string, Policy>>
  readonly tokens: readonly Token[]
}

const validator = Compile(AclFile)

/** How secrets are stored. They are random UUIDs, so that one plain hash cannot be turned back. */
export const hashSecret = (secret: string) => `sha256:${createHash('sha256').update(secret).digest('hex')}`

/** @throws UsageError that names the file and the place in it */
export function readAclFile(path: string): AclFile {
  let value: unknown
  try {
    value = JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    throw new UsageError(`the ACL file ${path} cannot be read: ${errorMessage(error)}`, { cause: error })
  }
  if (!validator.Check(value)) {
    const [first] = validator.Errors(value)
    throw new UsageError(
      `the ACL file ${path} is not valid: ${first?.instancePath || 'the whole'} ${first?.message}`,
    )
  }
  const { policies = {}, tokens = [] } = value
  const accessors = new Set<string>()
  for (const { accessorID, policies: named = [], expirationTime } of tokens) {
    const fault = (text: string) =>
      new UsageError(`the ACL file ${path} is not valid: token ${accessorID} ${text}`)
    if (accessors.has(accessorID)) throw fault('is there twice')
    accessors.add(accessorID)
    const unknown = named.find((name) => !Object.hasOwn(policies, name))
    if (unknown !== undefined) throw fault(`has policy "${unknown}", which is not there`)
    if (expirationTime !== undefined && Number.isNaN(Date.parse(expirationTime))) {
      throw fault(`has the expirationTime "${expirationTime}", which is no time`)
    }
  }
  return { policies, tokens }
}

/**
 * Changes the file, or makes it for this user alone. It is put in its place whole, with the owner and the mode that it
 * has, so that a server that runs as somebody else goes on reading it.
 * @throws UsageError as readAclFile, and while another change is under way
 */
export function updateAclFile(path: string, change: (content: AclFile) => AclFile): void {
  const fresh = `${path}.new`
  const file = openExclusively(fresh)
  try {
    const existing = statSync(path, { throwIfNoEntry: false })
    const content = existing === undefined ? { policies: {}, tokens: [] } : readAclFile(path)
    writeSync(file, `${JSON.stringify(change(content), undefined, 2)}\n`)
    if (existing !== undefined) {
      fchmodSync(file, existing.mode & 0o777)
      if (process.getuid?.() === 0) fchownSync(file, existing.uid, existing.gid)
    }
    fsyncSync(file)
    renameSync(fresh, path)
  } catch (error) {
    unlinkSync(fresh)
    throw error
  } finally {
    closeSync(file)
  }
}

function openExclusively(path: string): number {
  try {
    return openSync(path, 'wx', 0o600)
  } catch (error) {
    const why =
      errorCode(error) === 'EEXIST'
        ? 'another change is under way; remove it if there is none'
        : errorMessage(error)
    throw new UsageError(`${path} cannot be written: ${why}`, { cause: error })
  }
}
