import type { Static, TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { errorMessage } from '../lib/errors.ts'
import { parseJSON } from '../lib/json.ts'
import { type Call, classifyNonsense } from './error-table.ts'

/**
 * Builds the reader of one kind of answer: JSON with exact integers, checked against its schema. Fields
 * that the schema does not name pass.
 */
export function createAnswerParser<Schema extends TSchema>(
  schema: Schema,
): (text: string, call: Call) => Static<Schema> {
  const validator = Compile(schema)
  return (text, call) => {
    let value: unknown
    try {
      value = parseJSON(text)
    } catch (error) {
      throw classifyNonsense(
        `the answer is not JSON (${errorMessage(error)}); is this the address of a Nomad API?`,
        call,
      )
    }
    if (validator.Check(value)) return value
    const [first] = validator.Errors(value)
    throw classifyNonsense(
      `the answer is not what the Volumes API gives: ${first?.instancePath || 'the whole'} ${first?.message}`,
      call,
    )
  }
}
