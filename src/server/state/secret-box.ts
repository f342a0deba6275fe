import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { errorCode, errorMessage, UsageError } from '../../lib/errors.ts'

/** Encrypts texts that only this server may read. Each text is for one place. */
export interface SecretBox {
  /** Identifies the key, and tells nothing else of it. */
  readonly keyID: string
  seal(place: string, text: string): string
  /** @throws Error if the text was sealed with another key or for another place, or was changed */
  open(place: string, sealed: string): string
}

const algorithm = 'aes-256-gcm'
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16

/** A sealed text is Base64 of nonce, authentication tag and ciphertext. */
export function createSecretBox(key: Buffer): SecretBox {
  return {
    keyID: createHmac('sha256', key).update('mooring server: ID of the key').digest('hex').slice(0, 16),
    seal(place, text) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(place))
      const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64')
    },
    open(place, sealed) {
      const bytes = Buffer.from(sealed, 'base64')
      const tag = bytes.subarray(nonceBytes, nonceBytes + tagBytes)
      const decipher = createDecipheriv(algorithm, key, bytes.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      })
        .setAAD(Buffer.from(place))
        .setAuthTag(tag)
      return (
        decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
      )
    },
  }
}

/**
 * The key in a file: 32 bytes that only its owner may read.
 * @param wantedID the key that the state was written with. undefined: none yet, so a missing file is made
 * @throws UsageError
 */
export function openKeyFile(path: string, wantedID: string | undefined): SecretBox {
  if (wantedID !== undefined) finishKeyChange(path, wantedID)
  const key = readKey(path) ?? (wantedID === undefined ? makeKey(path) : undefined)
  if (key === undefined) {
    throw new UsageError(
      `the key of the stored secrets is not at ${path}: put it back there, or name it with --key-file`,
    )
  }
  if (key.length !== keyBytes) throw new UsageError(`${path} is no key: it has to hold ${keyBytes} bytes`)
  const box = createSecretBox(key)
  if (wantedID !== undefined && box.keyID !== wantedID) {
    throw new UsageError(
      `${path} is not the key that the stored secrets are encrypted with: put that one there`,
    )
  }
  return box
}

/** The file of a new key, until every secret is encrypted with it. */
const freshPath = (path: string) => `${path}.new`
/** The file of a former key, which older backups need. */
const asidePath = (path: string, keyID: string) => `${path}.${keyID}`

/** Makes a new key in a file of its own. It is on the disk before any secret is encrypted with it. */
export function makeFreshKey(path: string): SecretBox {
  rmSync(freshPath(path), { force: true })
  return createSecretBox(makeKey(freshPath(path)))
}

/**
 * Makes the key with this ID the current one: after a change of keys that was cut short, or after the restore of an
 * older backup. The key that was current stays beside it. Does nothing if the key is current already, or missing.
 */
export function finishKeyChange(path: string, wantedID: string): void {
  const current = readKey(path)
  const currentID = current?.length === keyBytes ? createSecretBox(current).keyID : undefined
  if (currentID === wantedID) return
  const found = [freshPath(path), asidePath(path, wantedID)].find((candidate) => {
    const key = existsSync(candidate) ? readKey(candidate) : undefined
    return key?.length === keyBytes && createSecretBox(key).keyID === wantedID
  })
  if (found === undefined) return
  if (currentID !== undefined) linkSync(path, asidePath(path, currentID))
  renameSync(found, path)
}

function readKey(path: string): Buffer | undefined {
  try {
    if ((statSync(path).mode & 0o077) !== 0) {
      throw new UsageError(`the key at ${path} can be read by others: chmod 600 ${path}`)
    }
    return readFileSync(path)
  } catch (error) {
    if (error instanceof UsageError) throw error
    if (errorCode(error) === 'ENOENT') return undefined
    throw new UsageError(`the key at ${path} cannot be read: ${errorMessage(error)}`, { cause: error })
  }
}

/** Writes a key, and syncs it to the disk before any secret is encrypted with it. */
function makeKey(path: string): Buffer {
  const key = randomBytes(keyBytes)
  const file = openSync(path, 'wx', 0o600)
  try {
    writeSync(file, key)
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return key
}
