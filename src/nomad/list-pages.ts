import { OperationError } from '../lib/errors.ts'
import { EndlessListError, type Page, readPages } from '../lib/read-pages.ts'

/**
 * All items of a list that Nomad gives in pages.
 * @param readPage gets the parameters that name the page
 * @throws OperationError `transient` where the list has no end
 */
export async function listPages<Item>(
  title: string,
  readPage: (query: { readonly next_token?: string }) => Promise<Page<Item>>,
): Promise<Item[]> {
  try {
    return await readPages((token) => readPage(token === '' ? {} : { next_token: token }))
  } catch (error) {
    if (!(error instanceof EndlessListError)) throw error
    throw new OperationError(`${title}: ${error.message}`, { kind: 'transient', reason: 'PagingLoop' })
  }
}
