import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { errorMessage, UsageError } from '../../../lib/errors.ts'
import type { Role } from '../../../wire/dashboard/session.ts'

/** Who may do what with a token. */
export interface UITokenHolder {
  readonly role: Role
  readonly name: string
}

/** By the hash of the token. */
export type UITokens = ReadonlyMap<string, UITokenHolder>

export const hashToken = (token: string) => createHash('sha256').update(token).digest('hex')

/** So many characters cannot be guessed, where they are random. */
const shortestToken = 20

const format = 'write one token a line: viewer or operator, a name, and the token or sha256:<its hash>'

/**
 * Reads a file of tokens: on each line a role, a name, and a random token of at least 20 characters, or `sha256:` and the
 * hash of one. Lines that begin with # count for nothing.
 * @throws UsageError that names the line, and never a token
 */
export function readUITokens(path: string): UITokens {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`the file of --ui-token-file cannot be read: ${errorMessage(error)}`, {
      cause: error,
    })
  }
  return parseUITokens(text, path)
}

/** Pure. @throws UsageError that names the line, and never a token */
export function parseUITokens(text: string, path: string): UITokens {
  const tokens = new Map<string, UITokenHolder>()
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    const words = line.trim().split(/\s+/)
    const [role = '', name = '', token = ''] = words
    if (role === '' || role.startsWith('#')) continue
    const fault = (what: string) => new UsageError(`${path}:${index + 1}: ${what}: ${format}`)
    if (role !== 'viewer' && role !== 'operator') throw fault('the role is neither viewer nor operator')
    if (words.length !== 3) throw fault('the line has not three words')
    const isHash = token.startsWith('sha256:')
    if (isHash && !/^sha256:[0-9a-f]{64}$/.test(token)) throw fault('what follows sha256: is no hash')
    if (!isHash && token.length < shortestToken)
      throw fault(`the token has fewer than ${shortestToken} characters`)
    const hash = isHash ? token.slice('sha256:'.length) : hashToken(token)
    if (tokens.has(hash)) throw fault('the token stands there twice')
    tokens.set(hash, { role, name })
  }
  if (tokens.size === 0) throw new UsageError(`${path} holds no token: ${format}`)
  return tokens
}
