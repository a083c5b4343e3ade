package attribution

// Set is how many conversions had exactly these channels in their paths, and what they were worth.
type Set struct {
	// Channels are distinct. Without one the conversions are nobody's.
	Channels    []string
	Conversions float64
	Value       float64
}

// Credit is what a channel has of conversions and of their value.
type Credit struct {
	Conversions float64
	Value       float64
}

// Shapley gives each channel its Shapley value in the game where channels bring together the conversions whose paths
// hold none but them: what a channel adds, on average over all orders in which the channels can join. The credits sum
// to the conversions that have channels.
//
// They are exact for any number of channels, without going through the 2ⁿ coalitions or a sample of the orders. The
// game is the sum, over the sets, of games in which exactly the coalitions that hold the whole set win its conversions;
// there nobody else adds anything and the members are alike, so each has an equal part; and Shapley values of a sum of
// games are the sums of the values (Zhao, Mahboobi, Bagheri: Shapley Value Methods for Attribution Modeling in Online
// Advertising, 2018).
func Shapley(sets []Set) map[string]Credit {
	credits := map[string]Credit{}
	for _, s := range sets {
		n := float64(len(s.Channels))
		for _, channel := range s.Channels {
			c := credits[channel]
			credits[channel] = Credit{c.Conversions + s.Conversions/n, c.Value + s.Value/n}
		}
	}
	return credits
}
