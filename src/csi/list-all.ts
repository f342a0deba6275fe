import { status } from '@grpc/grpc-js'
import { PluginError } from './plugin-error.ts'

interface Page<Entry> {
  readonly entries: readonly Entry[]
  readonly nextToken: string
}

/** No plugin has as many pages; one whose tokens never end is told by it. */
const mostPages = 10_000

/**
 * Reads a list to its end. Tokens that come again or never end are a PluginError `broken-answer`; a token
 * that the plugin itself no longer takes (ABORTED) makes the list begin again, once.
 */
export async function listAll<Entry>(
  source: { readonly pluginID: string; readonly method: string },
  readPage: (startingToken: string) => Promise<Page<Entry>>,
): Promise<Entry[]> {
  try {
    return await readPages(source, readPage)
  } catch (error) {
    if (!(error instanceof PluginError) || error.code !== status.ABORTED) throw error
    return await readPages(source, readPage)
  }
}

async function readPages<Entry>(
  source: { readonly pluginID: string; readonly method: string },
  readPage: (startingToken: string) => Promise<Page<Entry>>,
): Promise<Entry[]> {
  const broken = (details: string) =>
    new PluginError({ ...source, code: status.INTERNAL, details, errorClass: 'broken-answer' })
  const entries: Entry[] = []
  const seen = new Set<string>()
  for (let token = ''; ; ) {
    const page = await readPage(token)
    entries.push(...page.entries)
    token = page.nextToken
    if (token === '') return entries
    if (seen.has(token))
      throw broken(`next_token: ${JSON.stringify(token)} came before, so the list has no end`)
    seen.add(token)
    if (seen.size >= mostPages) throw broken(`next_token: the list has no end after ${mostPages} pages`)
  }
}
