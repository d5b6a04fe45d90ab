import { describePlaces } from './describe-places.ts'

describePlaces(15)
