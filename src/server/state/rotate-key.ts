import type { DatabaseSync } from 'node:sqlite'
import { transaction } from '../../lib/sqlite.ts'
import { placeOf } from './columns.ts'
import { tableNames } from './database.ts'
import type { SecretBox } from './secret-box.ts'

/** Encrypts every stored secret with another key: all of them, or none if it fails. */
export function resealSecrets(sql: DatabaseSync, from: SecretBox, to: SecretBox): void {
  transaction(sql, () => {
    for (const table of tableNames) {
      const put = sql.prepare(`UPDATE ${table} SET secrets = ? WHERE key = ?`)
      const rows = sql.prepare(`SELECT key, secrets FROM ${table} WHERE secrets IS NOT NULL`).all()
      for (const { key, secrets } of rows) {
        const place = placeOf(table, String(key))
        put.run(to.seal(place, from.open(place, String(secrets))), String(key))
      }
    }
    sql.prepare("UPDATE meta SET value = ? WHERE key = 'secrets_key_id'").run(to.keyID)
  })
}
