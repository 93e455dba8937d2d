package catalog

// ecosystems are where packages come from: each has a file of its own, with the finders of what is installed and of what a
// project would install. Where several read one file they are asked in this order.
var ecosystems = []func() ([]finder, error){
	rpmFinders, debianFinders, alpineFinders, archFinders, gentooFinders, snapFinders, homebrewFinders, condaFinders,
	npmFinders, pnpmFinders, yarnFinders, bunFinders, javaFinders, gradleFinders, phpFinders, rFinders, claimFinders,
	pythonFinders, rubyFinders, goFinders, rustFinders, dotnetFinders, elixirFinders, dartFinders, swiftFinders, conanFinders,
}

func finders() (out []finder, err error) {
	for _, e := range ecosystems {
		list, err := e()
		if err != nil {
			return nil, err
		}
		out = append(out, list...)
	}
	return out, nil
}
