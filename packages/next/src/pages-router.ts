import { ServerResponse } from 'node:http'
import type { GetServerSidePropsContext } from 'next'

type NodePair = Pick<GetServerSidePropsContext, 'req' | 'res'>

/** The request and response of an API route, or of the context of `getServerSideProps`. */
export function nodePairOf([first, second]: readonly unknown[]): NodePair | null {
  const { req = first, res = second } = Object(first) as Partial<Record<'req' | 'res', unknown>>
  return res instanceof ServerResponse ? { req: req as NodePair['req'], res } : null
}
